import CoreTime
package import DaemonKit
package import OrderStore
import OrderWire
package import PriorityQueue

/// What the machine does not know of itself.
package struct QueueFigures: Sendable {
  package var oldestLease: Duration?
  /// In milliseconds, of the leases that are held now.
  package var leaseAges: Spread
  package var commits: CommitFigures
}

extension QueueEngine {
  /// Statistics that are at most a second old.
  package func stats(fresh: Bool = false) -> QueueStats {
    let now = now
    if !fresh, let (stats, at) = cachedStats, now.monotonic - at < .seconds(1) { return stats }
    let stats = machine.stats(now: now)
    cachedStats = (stats, now.monotonic)
    return stats
  }

  /// How long leases are held, and what the disk takes.
  package func figures() -> QueueFigures {
    let now = clocks.now()
    return QueueFigures(
      oldestLease: leases.oldest(at: now), leaseAges: leases.ages(at: now), commits: store.commits)
  }

  /// By name of lane.
  package func lanes() -> [LeadershipRecord] { leaders.values.sorted { $0.lane < $1.lane } }

  /// Once a second, whoever else asks for statistics.
  func measure() {
    let instant = clocks.now()
    if let measured, instant - measured < .seconds(1) { return }
    measured = instant
    meters.record(
      stats(), oldestLease: leases.oldest(at: instant), inFlight: desk.inFlight, kept: finishedKept)
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
    details.merge(flow(stats)) { $1 }
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

  /// Ages, redeliveries and dead letters, since this process began.
  private func flow(_ stats: QueueStats) -> [String: StatusValue] {
    let counters = stats.counters
    return [
      "priorities": .list(
        JobQueue.priorities.map { priority in
          .object([
            "priority": StatusValue(priority),
            "ready": StatusValue(stats.byPriority[.ready]?[priority] ?? 0),
            "oldestReadyMs": StatusValue(stats.oldestReadyAge[priority]?.millisecondsClamped ?? 0),
          ])
        }),
      "oldestLeaseMs": StatusValue(leases.oldest(at: clocks.now())?.millisecondsClamped ?? 0),
      "redeliveries": .object([
        "nack": StatusValue(counters.nacked), "leaseExpired": StatusValue(counters.leasesExpired),
        "leaderChanged": StatusValue(counters.takenBack),
        "lost": StatusValue(counters.lost),
      ]),
      "deadLetters": .object(
        Dictionary(
          uniqueKeysWithValues: Burial.allCases.map {
            ($0.rawValue, StatusValue(counters.burials[$0] ?? 0))
          })),
      "starved": StatusValue(counters.starved),
      "promoted": StatusValue(counters.promoted),
      "finishedKept": StatusValue(finishedKept),
      "stepsInFlight": StatusValue(desk.inFlight),
    ]
  }
}
