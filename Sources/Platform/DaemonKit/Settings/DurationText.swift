/// Durations as people write them in settings and on the command line: `250ms`, `5s`, `2m`, `1h`, `7d`.
package enum DurationText {
  private static let units: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]

  /// Nil unless it is a whole number directly followed by one of `ms s m h d`, not more than 100 years.
  package static func parse(_ text: String) -> Duration? {
    guard let (suffix, factor) = units.first(where: { text.hasSuffix($0.suffix) }),
      let count = Int64(text.dropLast(suffix.count)), count >= 0
    else { return nil }
    let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
    guard !overflow, milliseconds <= 3_155_760_000_000 else { return nil }
    return .milliseconds(milliseconds)
  }

  /// The largest unit that gives a whole number.
  package static func format(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
    for (suffix, factor) in units.reversed() where milliseconds != 0 && milliseconds % factor == 0 {
      return "\(milliseconds / factor)\(suffix)"
    }
    return "\(milliseconds)ms"
  }
}
