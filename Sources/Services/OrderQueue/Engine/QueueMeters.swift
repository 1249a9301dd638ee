import CoreTime
import Metrics
import PriorityQueue

/// What the role says about itself to Prometheus (docs/QUEUE.md, "Metrics").
struct QueueMeters {
  private let depths = Dictionary(
    uniqueKeysWithValues: JobState.allCases.map { state in
      (state, Gauge(label: "ordersd_queue_orders", dimensions: [("state", state.rawValue)]))
    })
  private let levels = JobQueue.priorities.map { priority in
    let dimensions = [("priority", "\(priority)")]
    return (
      ready: Gauge(label: "ordersd_queue_ready_orders", dimensions: dimensions),
      oldest: Gauge(label: "ordersd_queue_oldest_ready_seconds", dimensions: dimensions)
    )
  }
  private let oldestLease = Gauge(label: "ordersd_queue_oldest_lease_seconds")
  private let inFlight = Gauge(label: "ordersd_queue_steps_in_flight")
  private let kept = Gauge(label: "ordersd_queue_finished_kept")
  private let capacity = Gauge(label: "ordersd_queue_capacity")
  private let enqueued = Counter(label: "ordersd_queue_enqueued_total")
  private let prunings = Counter(label: "ordersd_queue_pruned_total")
  private let standstill = FloatingPointCounter(label: "ordersd_queue_stood_still_seconds_total")
  private let followers: [Follower]
  private var last: QueueStats?

  /// A counter, and the count of the machine that it follows.
  private struct Follower {
    let counter: Counter
    let count: @Sendable (QueueCounters) -> Int

    init(
      _ name: String, _ dimensions: [(String, String)] = [], count: @escaping @Sendable (QueueCounters) -> Int
    ) {
      counter = Counter(label: "ordersd_queue_\(name)_total", dimensions: dimensions)
      self.count = count
    }
  }

  init() {
    var followers = [
      Follower("duplicates") { $0.duplicates }, Follower("refused_full") { $0.refusedFull },
      Follower("leased") { $0.leased }, Follower("acked") { $0.acked }, Follower("kicked") { $0.kicked },
      Follower("fenced") { $0.fenced }, Follower("epochs") { $0.epochs },
      Follower("promoted") { $0.promoted }, Follower("starved") { $0.starved },
      Follower("redeliveries", [("cause", "nack")]) { $0.nacked },
      Follower("redeliveries", [("cause", "lease_expired")]) { $0.leasesExpired },
      Follower("redeliveries", [("cause", "leader_changed")]) { $0.takenBack },
      Follower("redeliveries", [("cause", "lost")]) { $0.lost },
    ]
    for burial in Burial.allCases {
      followers.append(
        Follower("dead_letters", [("reason", burial.rawValue)]) { $0.burials[burial] ?? 0 })
    }
    self.followers = followers
  }

  mutating func record(_ stats: QueueStats, oldestLease age: Duration?, inFlight: Int, kept: Int) {
    for (state, gauge) in depths { gauge.record(stats.byState[state] ?? 0) }
    for (priority, level) in levels.enumerated() {
      level.ready.record(stats.byPriority[.ready]?[priority] ?? 0)
      level.oldest.record((stats.oldestReadyAge[priority] ?? .zero).inSeconds)
    }
    oldestLease.record((age ?? .zero).inSeconds)
    self.inFlight.record(inFlight)
    self.kept.record(kept)
    capacity.record(stats.capacity)
    if let last { enqueued.increment(by: max(0, stats.totals.enqueued - last.totals.enqueued)) }
    for follower in followers {
      let before = last.map { follower.count($0.counters) } ?? 0
      follower.counter.increment(by: max(0, follower.count(stats.counters) - before))
    }
    last = stats
  }

  /// Its counters begin anew.
  mutating func machineIsNew() { last?.counters = QueueCounters() }

  func stoodStill(_ pause: Duration) { standstill.increment(by: pause.inSeconds) }

  func pruned(_ orders: Int) { prunings.increment(by: orders) }
}

extension Duration {
  fileprivate var inSeconds: Double { Double(millisecondsClamped) / 1_000 }
}
