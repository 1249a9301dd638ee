import ElectionWire
import Metrics
import MulticastTransport

/// Counts the datagrams that were not taken, for `/status` and as `ordersd_election_dropped_total{reason}`.
///
/// Every reason is there from the start with 0, so that a rate over it works from the first one on.
struct DroppedDatagrams {
  /// Dropped unjudged, because more came than could be looked at: by this process, and by the kernel.
  static let overrun = "overrun"
  static let noBuffer = "no-buffer"

  private var counted: [DropReason: UInt64] = [:]
  private let counters: [DropReason: Counter]
  private let overruns = Self.counter(Self.overrun)
  private let kernelDrops = Self.counter(Self.noBuffer)
  private let events = SocketEvent.all.map { ($0, $0.counter()) }
  /// What the socket had counted when it was last exported.
  private var exported = TransportCounters()

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

  /// Adds what the socket itself has counted since the last time to the metrics.
  mutating func export(_ transport: TransportCounters) {
    counters[.tooLong]?.increment(by: transport.oversized &- exported.oversized)
    overruns.increment(by: transport.overrun &- exported.overrun)
    kernelDrops.increment(by: transport.kernelDrops &- exported.kernelDrops)
    for (event, counter) in events {
      counter.increment(by: transport[keyPath: event.count] &- exported[keyPath: event.count])
    }
    exported = transport
  }

  /// Every reason with its number, in a fixed order.
  func counts(with transport: TransportCounters) -> [(reason: String, count: UInt64)] {
    DropReason.allCases.map { reason in
      (reason.rawValue, (counted[reason] ?? 0) &+ (reason == .tooLong ? transport.oversized : 0))
    } + [(Self.overrun, transport.overrun), (Self.noBuffer, transport.kernelDrops)]
  }
}

/// What happens to the socket itself: `ordersd_election_socket_total{event}`, and one field of `/status`.
struct SocketEvent: Sendable {
  /// As the metric has it.
  let name: String
  /// As `/status` has it.
  let field: String
  let count: any KeyPath<TransportCounters, UInt64> & Sendable

  static let all = [
    SocketEvent(name: "received", field: "datagrams_received", count: \.received),
    SocketEvent(name: "sent", field: "datagrams_sent", count: \.sent),
    SocketEvent(name: "not-sent", field: "datagrams_not_sent", count: \.sendFailures),
    SocketEvent(name: "error", field: "socket_errors", count: \.socketErrors),
    SocketEvent(name: "reopened", field: "socket_reopened", count: \.reopened),
  ]

  fileprivate func counter() -> Counter {
    let counter = Counter(label: "ordersd_election_socket_total", dimensions: [("event", name)])
    counter.increment(by: 0)
    return counter
  }
}
