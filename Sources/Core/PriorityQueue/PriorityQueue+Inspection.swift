import CoreTime

/// Every job that ever came in, and those that are over.
package struct QueueTotals: Sendable, Hashable {
  package var enqueued = 0
  package var done = 0
  package var cancelled = 0
  package var expired = 0
}

/// What happened, for metrics.
package struct QueueCounters: Sendable, Hashable {
  package var duplicates = 0
  package var refusedFull = 0
  package var leased = 0
  package var acked = 0
  package var nacked = 0
  package var leasesExpired = 0
  /// Leases that ended because their leader was replaced or resigned.
  package var takenBack = 0
  /// Leases of jobs that never reached their leader.
  package var lost = 0
  package var buried = 0
  /// The same by what brought it about.
  package var burials: [Burial: Int] = [:]
  package var kicked = 0
  /// Leases of jobs that had been ready for `starvationAfter` or longer.
  package var starved = 0
  /// Steps up by ageing.
  package var promoted = 0
  /// Calls under an epoch that was not the caller's right.
  package var fenced = 0
  /// Granted claims.
  package var epochs = 0

  package init() {}
}

/// What makes a job a dead letter.
package enum Burial: String, Sendable, Hashable, CaseIterable {
  /// Its leader said that trying again cannot help.
  case permanent
  /// Its leader gave it back on its last attempt.
  case attempts
  /// Its last attempt ran out.
  case leaseExpired = "lease_expired"
  /// Its last attempt was under a leader that was replaced.
  case leaderReplaced = "leader_replaced"
  /// An operator's.
  case byOperator = "operator"
}

/// One moment of the queue.
package struct QueueStats: Sendable, Hashable {
  /// All seven states; the final ones since the store began.
  package var byState: [JobState: Int]
  /// Jobs by priority 0 … 9, for the states ready, delayed, leased and buried.
  package var byPriority: [JobState: [Int]]
  /// How long the ready job that has waited longest has waited, by priority; no entry where none is ready.
  package var oldestReadyAge: [Int: Duration]
  package var readyByLane: [String: Int]
  package var totals: QueueTotals
  package var counters: QueueCounters
  package var gate: QueueGate
  package var capacity: Int
}

extension PriorityQueue {
  /// Where the job is. Nil when it is unknown, or finished so long ago that only the store knows.
  package func state(of id: ID) -> JobState? {
    jobs.slot(of: id).map { jobs.records[Int($0)].state } ?? recent[id]
  }

  /// A job that is not finished.
  package func job(_ id: ID) -> Job? { jobs[id] }

  /// How many jobs could be leased in that lane.
  package func readyCount(lane: String) -> Int { readyHeap(lane)?.count ?? 0 }

  /// The next jobs that `lease` would hand out in that lane, in order.
  package func peek(lane: String, limit: Int) -> [Job] {
    (readyHeap(lane)?.ordered(limit: limit) ?? []).map { jobs[$0] }
  }

  /// Jobs that wait or are held: delayed by due time, leased by deadline, buried by arrival. Empty for other
  /// states: `peek` lists what is ready, the store what is finished.
  package func list(_ state: JobState, limit: Int) -> [Job] {
    let slots: [Slot] =
      switch state {
      case .delayed: delayed.ordered(limit: limit)
      case .leased: leased.ordered(limit: limit)
      case .buried: buried.ordered(limit: limit)
      case .ready, .done, .cancelled, .expired: []
      }
    return slots.map { jobs[$0] }
  }

  /// In constant time but for the lanes. After the wall clock was set back, the ages may be those of a younger
  /// job.
  package func stats(now: Now) -> QueueStats {
    var oldest: [Int: Timestamp] = [:]
    for priority in Self.priorities {
      oldest[priority] = waiting.oldest(priority).map { jobs.records[Int($0)].readyAt }
    }
    let live: [JobState] = [.ready, .delayed, .leased, .buried]
    let byPriority = Dictionary(uniqueKeysWithValues: live.map { ($0, tally[$0]) })
    var byState = byPriority.mapValues { $0.reduce(0, +) }
    byState[.done] = totals.done
    byState[.cancelled] = totals.cancelled
    byState[.expired] = totals.expired
    return QueueStats(
      byState: byState, byPriority: byPriority,
      oldestReadyAge: oldest.mapValues { max(.zero, now.wall - $0) },
      readyByLane: Dictionary(uniqueKeysWithValues: zip(jobs.lanes.names, ready.map(\.count))),
      totals: totals, counters: counters, gate: gate,
      capacity: configuration.capacity)
  }
}
