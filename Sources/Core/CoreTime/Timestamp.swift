/// Wall-clock time in milliseconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX time).
///
/// For people and for absolute deadlines that outlive a process. Order between machines comes from vector clocks,
/// never from this.
package struct Timestamp: Sendable, Hashable, Comparable, Codable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package init(from decoder: any Decoder) throws {
    milliseconds = try decoder.singleValueContainer().decode(Int64.self)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(milliseconds)
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  package static func + (timestamp: Timestamp, duration: Duration) -> Timestamp {
    let (sum, overflow) = timestamp.milliseconds.addingReportingOverflow(duration.millisecondsClamped)
    return Timestamp(milliseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  package static func - (left: Timestamp, right: Timestamp) -> Duration {
    let (difference, overflow) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
    return .milliseconds(overflow ? (left < right ? .min : .max) : difference)
  }
}
