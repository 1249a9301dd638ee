import ElectionWire
import Metrics
import MulticastTransport

/// Counts the datagrams that were not taken, for `/status` and as `ordersd_election_dropped_total{reason}`.
///
/// Every reason is there from the start with 0, so that a rate over it works from the first one on.
struct DroppedDatagrams {
  /// Dropped unjudged, because more came than could be looked at.
  static let overrun = "overrun"

  private var counted: [DropReason: UInt64] = [:]
  private let counters: [DropReason: Counter]
  private let overruns = Self.counter(Self.overrun)
  /// What the socket had counted when it was last exported.
  private var exported: (oversized: UInt64, overrun: UInt64) = (0, 0)

  init() {
    counters = Dictionary(
      uniqueKeysWithValues: DropReason.allCases.map { ($0, Self.counter($0.rawValue)) })
  }

  private static func counter(_ reason: String) -> Counter {
    let counter = Counter(label: "ordersd_election_dropped_total", dimensions: [("reason", reason)])
    counter.increment(by: 0)
    return counter
  }

  mutating func count(_ reason: DropReason) {
    counted[reason, default: 0] &+= 1
    counters[reason]?.increment()
  }

  /// Adds what the socket itself has dropped since the last time to the metrics.
  mutating func export(_ transport: TransportCounters) {
    counters[.tooLong]?.increment(by: transport.oversized &- exported.oversized)
    overruns.increment(by: transport.overrun &- exported.overrun)
    exported = (transport.oversized, transport.overrun)
  }

  /// Every reason with its number, in a fixed order.
  func counts(with transport: TransportCounters) -> [(reason: String, count: UInt64)] {
    DropReason.allCases.map { reason in
      (reason.rawValue, (counted[reason] ?? 0) &+ (reason == .tooLong ? transport.oversized : 0))
    } + [(Self.overrun, transport.overrun)]
  }
}
