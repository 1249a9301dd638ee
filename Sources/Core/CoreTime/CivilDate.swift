/// A date of the proleptic Gregorian calendar in UTC, computed without a calendar library.
///
/// Algorithms: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil, civil_from_days).
package struct CivilDate: Sendable, Hashable, Comparable {
  package let year: Int
  /// 1 … 12
  package let month: Int
  /// 1 … 31
  package let day: Int

  package init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = month
    self.day = day
  }

  /// The UTC date at `timestamp`.
  package init(_ timestamp: Timestamp) {
    self.init(daysSinceEpoch: Int(floorDivide(timestamp.milliseconds, 86_400_000)))
  }

  package init(daysSinceEpoch days: Int) {
    let shifted = days + 719_468
    let era = Int(floorDivide(Int64(shifted), 146_097))
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  package static func < (left: CivilDate, right: CivilDate) -> Bool {
    (left.year, left.month, left.day) < (right.year, right.month, right.day)
  }
}

extension Timestamp {
  /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-22T14:27:05.123Z`.
  package var rfc3339: String {
    let date = CivilDate(self)
    let inDay = (milliseconds % 86_400_000 + 86_400_000) % 86_400_000
    let (hour, minute) = (inDay / 3_600_000, inDay / 60_000 % 60)
    let (second, milli) = (inDay / 1_000 % 60, inDay % 1_000)
    return "\(pad(Int64(date.year), 4))-\(pad(Int64(date.month), 2))-\(pad(Int64(date.day), 2))"
      + "T\(pad(hour, 2)):\(pad(minute, 2)):\(pad(second, 2)).\(pad(milli, 3))Z"
  }
}

private func floorDivide(_ dividend: Int64, _ divisor: Int64) -> Int64 {
  let quotient = dividend / divisor
  return dividend % divisor < 0 ? quotient - 1 : quotient
}

private func pad(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
