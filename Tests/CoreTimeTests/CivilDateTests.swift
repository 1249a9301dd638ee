import CoreTime
import Testing

/// Days since 1970-01-01 as Python's `datetime.date` counts them.
private let knownDates: [(days: Int, year: Int, month: Int, day: Int)] = [
  (-719_162, 1, 1, 1), (-141_427, 1582, 10, 15), (-135_081, 1600, 2, 29), (-25_509, 1900, 2, 28),
  (-25_508, 1900, 3, 1), (-1, 1969, 12, 31), (0, 1970, 1, 1), (11_016, 2000, 2, 29), (11_017, 2000, 3, 1),
  (19_782, 2024, 2, 29), (20_779, 2026, 11, 22), (47_540, 2100, 2, 28), (47_541, 2100, 3, 1),
  (2_932_896, 9999, 12, 31),
]

@Test(arguments: knownDates) func datesAreThoseOfTheCalendar(days: Int, year: Int, month: Int, day: Int) {
  #expect(CivilDate(daysSinceEpoch: days) == CivilDate(year: year, month: month, day: day))
  let midnight = Int64(days) * 86_400_000
  #expect(CivilDate(Timestamp(milliseconds: midnight)) == CivilDate(year: year, month: month, day: day))
  #expect(CivilDate(Timestamp(milliseconds: midnight + 86_399_999)).day == day)
}

/// Four hundred years of days: each is the day after the one before.
@Test func everyDayFollowsTheOneBefore() {
  let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  var previous = CivilDate(daysSinceEpoch: -200_000)
  for days in -199_999...(-199_999 + 146_097) {
    let date = CivilDate(daysSinceEpoch: days)
    let isLeap = previous.year % 4 == 0 && (previous.year % 100 != 0 || previous.year % 400 == 0)
    let length = previous.month == 2 && isLeap ? 29 : lengths[previous.month - 1]
    let expected =
      if previous.day < length {
        CivilDate(year: previous.year, month: previous.month, day: previous.day + 1)
      } else if previous.month < 12 {
        CivilDate(year: previous.year, month: previous.month + 1, day: 1)
      } else {
        CivilDate(year: previous.year + 1, month: 1, day: 1)
      }
    guard date == expected, previous < date else {
      Issue.record("\(days): \(date) follows \(previous)")
      return
    }
    previous = date
  }
}

@Test(arguments: [
  (Int64(0), "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (1, "1970-01-01T00:00:00.001Z"),
  (1_795_357_625_123, "2026-11-22T14:27:05.123Z"), (951_868_799_999, "2000-02-29T23:59:59.999Z"),
  (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
])
func timestampsAreWrittenAsRFC3339(milliseconds: Int64, expected: String) {
  #expect(Timestamp(milliseconds: milliseconds).rfc3339 == expected)
}

@Test(arguments: [.min + 86_400_000, .max] as [Int64]) func theEndsOfTimeDoNotTrap(milliseconds: Int64) {
  #expect(Timestamp(milliseconds: milliseconds).rfc3339.hasSuffix("Z"))
}
