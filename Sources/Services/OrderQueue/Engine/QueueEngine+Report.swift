import CoreTime
package import DaemonKit
import Metrics
import OrderWire
package import PriorityQueue

/// What the role says about itself to Prometheus.
struct QueueMeters {
  private let depths = Dictionary(
    uniqueKeysWithValues: JobState.allCases.map { state in
      (state, Gauge(label: "ordersd_queue_orders", dimensions: [("state", state.rawValue)]))
    })
  private let enqueued = Counter(label: "ordersd_queue_enqueued_total")
  private let acked = Counter(label: "ordersd_queue_acked_total")
  private let fenced = Counter(label: "ordersd_queue_fenced_total")
  private let epochs = Counter(label: "ordersd_queue_epochs_total")
  private var last: QueueStats?

  mutating func record(_ stats: QueueStats) {
    for (state, gauge) in depths { gauge.record(stats.byState[state] ?? 0) }
    // The machine's counters begin anew when it is read anew.
    func grew(_ count: (QueueStats) -> Int) -> Int { max(0, count(stats) - (last.map(count) ?? 0)) }
    if last != nil { enqueued.increment(by: grew(\.totals.enqueued)) }
    acked.increment(by: grew(\.counters.acked))
    fenced.increment(by: grew(\.counters.fenced))
    epochs.increment(by: grew(\.counters.epochs))
    last = stats
  }
}

extension QueueEngine {
  /// Statistics that are at most a second old (ten when they take long to gather: they look at every ready
  /// order).
  package func stats(fresh: Bool = false) -> QueueStats {
    let now = now
    if !fresh, let (stats, at) = cachedStats {
      let age: Duration = (stats.byState[.ready] ?? 0) > 50_000 ? .seconds(10) : .seconds(1)
      if now.monotonic - at < age { return stats }
    }
    let stats = machine.stats(now: now)
    cachedStats = (stats, now.monotonic)
    return stats
  }

  /// By name of lane.
  package func lanes() -> [LeadershipRecord] { leaders.values.sorted { $0.lane < $1.lane } }

  func measure() {
    let before = cachedStats?.at
    let stats = stats()
    if cachedStats?.at != before { meters.record(stats) }
  }

  package func report() -> RoleReport {
    let stats = stats()
    func count(_ state: JobState) -> Int { stats.byState[state] ?? 0 }
    var summary = "queue \(count(.ready)) ready, \(count(.leased)) leased"
    if count(.delayed) > 0 { summary += ", \(count(.delayed)) delayed" }
    if count(.buried) > 0 { summary += ", \(count(.buried)) dead letters" }
    let lanes = lanes()
    if lanes.isEmpty { summary += ", no leader yet" }
    for record in lanes {
      let lane = record.lane == "main" ? "" : " of \(record.lane)"
      let leader = record.vacancy == nil ? "leader\(lane) \(record.holder)" : "no leader\(lane),"
      summary += ", \(leader) epoch \(record.epoch)"
    }
    if stats.gate.pause != .none { summary += ", paused" }
    if stats.gate.draining { summary += ", draining" }

    var details: [String: StatusValue] = [
      "orders": .object(
        Dictionary(uniqueKeysWithValues: JobState.allCases.map { ($0.rawValue, StatusValue(count($0))) })),
      "enqueued": StatusValue(stats.totals.enqueued),
      "capacity": StatusValue(stats.capacity),
      "fenced": StatusValue(stats.counters.fenced),
      "paused": .boolean(stats.gate.pause != .none),
      "draining": .boolean(stats.gate.draining),
      "workStreams": StatusValue(links.count),
    ]
    details["lanes"] = .list(
      lanes.map { record in
        .object([
          "lane": .text(record.lane), "epoch": StatusValue(record.epoch), "term": StatusValue(record.term),
          "holder": .text(record.vacancy == nil ? record.holder : ""),
          "vacancy": .text(record.vacancy?.rawValue ?? ""),
        ])
      })
    return RoleReport(
      summary: summary, problems: desk.failure.map { ["storage: \($0.message)"] } ?? [], details: details)
  }
}
