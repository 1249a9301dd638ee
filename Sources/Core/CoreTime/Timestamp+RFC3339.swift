extension Timestamp {
  /// Reads RFC 3339 §5.6 (`2026-11-22T14:27:05.123Z`, `…+02:00`; beyond milliseconds is cut off), and a
  /// date alone, which stands for its midnight in UTC. A leap second `:60` is the second after it. Nil for
  /// anything else.
  package init?(rfc3339 text: String) {
    var scanner = Scanner(text.utf8[...])
    guard let year = scanner.number(4), scanner.take("-"), let month = scanner.number(2), scanner.take("-"),
      let day = scanner.number(2), (1...12).contains(month), (1...daysIn(month, of: year)).contains(day)
    else { return nil }
    var milliseconds = Int64(daysSinceEpoch(year, month, day)) * 86_400_000
    if scanner.isAtEnd {
      self.init(milliseconds: milliseconds)
      return
    }
    guard scanner.take("T") || scanner.take("t"), let hour = scanner.number(2), scanner.take(":"),
      let minute = scanner.number(2), scanner.take(":"), let second = scanner.number(2),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    milliseconds += Int64((hour * 60 + minute) * 60 + second) * 1_000
    if scanner.take(".") {
      guard let fraction = scanner.fraction() else { return nil }
      milliseconds += Int64(fraction)
    }
    if !(scanner.take("Z") || scanner.take("z")) {
      let isEast = scanner.take("+")
      guard isEast || scanner.take("-"), let hours = scanner.number(2), scanner.take(":"),
        let minutes = scanner.number(2), hours < 24, minutes < 60
      else { return nil }
      milliseconds -= Int64((hours * 60 + minutes) * 60_000 * (isEast ? 1 : -1))
    }
    guard scanner.isAtEnd else { return nil }
    self.init(milliseconds: milliseconds)
  }
}

private struct Scanner {
  private var rest: Substring.UTF8View

  init(_ text: Substring.UTF8View) { rest = text }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func take(_ letter: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: letter) else { return false }
    rest.removeFirst()
    return true
  }

  /// Exactly `count` digits.
  mutating func number(_ count: Int) -> Int? {
    guard rest.count >= count else { return nil }
    var value = 0
    for byte in rest.prefix(count) {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    rest.removeFirst(count)
    return value
  }

  /// One digit or more after the point, as milliseconds.
  mutating func fraction() -> Int? {
    var (value, digits) = (0, 0)
    while let byte = rest.first, (0x30...0x39).contains(byte) {
      if digits < 3 { value = value * 10 + Int(byte - 0x30) }
      digits += 1
      rest.removeFirst()
    }
    guard digits > 0 else { return nil }
    return digits == 1 ? value * 100 : digits == 2 ? value * 10 : value
  }
}

private func daysIn(_ month: Int, of year: Int) -> Int {
  switch month {
  case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// Hinnant's days_from_civil (see `CivilDate`); `year` is 0 … 9999.
private func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let shifted = month <= 2 ? year - 1 : year
  let era = (shifted >= 0 ? shifted : shifted - 399) / 400
  let yearOfEra = shifted - era * 400
  let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
