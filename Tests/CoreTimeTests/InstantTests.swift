import CoreTime
import FoundationEssentials
import Testing

@Test(arguments: [
  (Duration.zero, Int64(0)), (.nanoseconds(1), 1), (.nanoseconds(-1), -1),
  (.milliseconds(1_500), 1_500_000_000),
  (.seconds(-2), -2_000_000_000), (.seconds(Int64.max), .max / 2), (.seconds(Int64.min), -(.max / 2)),
  (.seconds(5_000_000_000), .max / 2), (.seconds(4_000_000_000), 4_000_000_000_000_000_000),
])
func nanosecondsAreClamped(duration: Duration, expected: Int64) {
  #expect(duration.nanosecondsClamped == expected)
}

@Test(arguments: [
  (Duration.microseconds(1_999), Int64(1)), (.microseconds(-1_999), -1), (.seconds(3), 3_000),
])
func millisecondsAreRoundedTowardsZero(duration: Duration, expected: Int64) {
  #expect(duration.millisecondsClamped == expected)
}

@Test func instantsAddSubtractAndCompare() {
  let start = Instant(nanoseconds: 1_000)
  let later = start + .microseconds(5)
  #expect(later.nanoseconds == 6_000)
  #expect(later - start == .microseconds(5))
  #expect(start - later == .microseconds(-5))
  #expect(later - .microseconds(5) == start)
  #expect(start < later && !(later < start) && !(start < start))
}

@Test func timestampsAddSubtractAndCompare() {
  let start = Timestamp(milliseconds: 1_000)
  let later = start + .seconds(2)
  #expect(later.milliseconds == 3_000)
  #expect(later - start == .seconds(2))
  #expect(start < later && !(later < start))
}

@Test func aTimestampIsOneNumberInJSON() throws {
  let data = try JSONEncoder().encode([Timestamp(milliseconds: -5)])
  #expect(String(decoding: data, as: UTF8.self) == "[-5]")
  #expect(try JSONDecoder().decode([Timestamp].self, from: data) == [Timestamp(milliseconds: -5)])
}
