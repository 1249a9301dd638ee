/// A point on the monotonic clock of one machine, in nanoseconds since an arbitrary origin.
///
/// Sums and differences stop at the ends of the range. Cores compare and add these; only a shell reads the clock
/// (`CLOCK_BOOTTIME`, clock_gettime(2)).
/// Instants of two machines, or of two boots, are not comparable.
package struct Instant: Sendable, Hashable, Comparable, Codable {
  /// Nanoseconds since the clock's origin.
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static let zero = Instant(nanoseconds: 0)

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  package static func + (instant: Instant, duration: Duration) -> Instant {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanosecondsClamped)
    return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  package static func - (instant: Instant, duration: Duration) -> Instant {
    let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(duration.nanosecondsClamped)
    return Instant(nanoseconds: overflow ? (duration < .zero ? .max : .min) : difference)
  }

  /// The time from `right` to `left`; negative when `left` is earlier.
  package static func - (left: Instant, right: Instant) -> Duration {
    let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(right.nanoseconds)
    return .nanoseconds(overflow ? (left < right ? .min : .max) : difference)
  }
}

extension Duration {
  /// Whole nanoseconds, clamped to the range of half an `Int64` so that adding two never traps.
  package var nanosecondsClamped: Int64 {
    let limit = Int64.max / 2
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow || product > limit || product < -limit { return seconds < 0 ? -limit : limit }
    return product + attoseconds / 1_000_000_000
  }

  /// Whole milliseconds, rounded towards zero.
  package var millisecondsClamped: Int64 { nanosecondsClamped / 1_000_000 }
}
