import CoreTime
import Testing

struct RFC3339Tests {
  @Test(
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01", 0), ("2026-11-22T14:27:05.123Z", 1_795_357_625_123),
      ("2026-11-22T14:27:05.1Z", 1_795_357_625_100), ("2026-11-22T16:27:05.123999+02:00", 1_795_357_625_123),
      ("2026-11-22t12:57:05.123-01:30", 1_795_357_625_123), ("2024-02-29", 1_709_164_800_000),
      ("1969-12-31T23:59:59.999Z", -1), ("2000-02-29T00:00:00z", 951_782_400_000),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ] as [(String, Int64)])
  func whatIsRead(text: String, milliseconds: Int64) {
    #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
  }

  @Test(arguments: [
    "", "2026", "2026-13-01", "2026-00-01", "2026-02-29", "2100-02-29", "2026-11-22T", "2026-11-22T24:00:00Z",
    "2026-11-22T14:60:00Z", "2026-11-22T14:27:61Z", "2026-11-22T14:27:05", "2026-11-22T14:27:05.Z",
    "2026-11-22T14:27:05+0200", "2026-11-22T14:27:05+24:00", "2026-11-22 14:27:05Z", "2026-11-22T14:27:05Zx",
    "+026-11-22", "٢٠٢٦-11-22",
  ]) func whatIsNot(text: String) {
    #expect(Timestamp(rfc3339: text) == nil)
  }

  @Test(arguments: [0, 1_795_357_625_123, 951_782_399_999, 4_102_444_799_999] as [Int64])
  func whatWasWrittenIsReadBack(milliseconds: Int64) {
    let time = Timestamp(milliseconds: milliseconds)
    #expect(Timestamp(rfc3339: time.rfc3339) == time)
  }
}
