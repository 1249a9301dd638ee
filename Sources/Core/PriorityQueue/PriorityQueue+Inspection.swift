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
  package func state(of id: ID) -> JobState? { jobs[id]?.state ?? recent[id] }

  /// A job that is not finished.
  package func job(_ id: ID) -> Job? { jobs[id] }

  /// How many jobs could be leased in that lane.
  package func readyCount(lane: String) -> Int { ready[lane]?.count ?? 0 }

  /// The next jobs that `lease` would hand out in that lane, in order.
  package func peek(lane: String, limit: Int) -> [Job] {
    (ready[lane]?.ordered(limit: limit) ?? []).compactMap { jobs[$0] }
  }

  /// Jobs that wait or are held: delayed by due time, leased by deadline, buried by arrival. Empty for other
  /// states: `peek` lists what is ready, the store what is finished.
  package func list(_ state: JobState, limit: Int) -> [Job] {
    let ids: [ID] =
      switch state {
      case .delayed: delayed.ordered(limit: limit)
      case .leased: leased.ordered(limit: limit)
      case .buried: buried.ordered(limit: limit)
      case .ready, .done, .cancelled, .expired: []
      }
    return ids.compactMap { jobs[$0] }
  }

  /// In constant time but for the lanes. After the wall clock was set back, the ages may be those of a younger
  /// job.
  package func stats(now: Now) -> QueueStats {
    var oldest: [Int: Timestamp] = [:]
    for priority in Self.priorities { oldest[priority] = waiting[priority].oldest?.time }
    let none = Array(repeating: 0, count: Self.priorities.count)
    let live: [JobState] = [.ready, .delayed, .leased, .buried]
    let byPriority = Dictionary(uniqueKeysWithValues: live.map { ($0, tally[$0] ?? none) })
    var byState = byPriority.mapValues { $0.reduce(0, +) }
    byState[.done] = totals.done
    byState[.cancelled] = totals.cancelled
    byState[.expired] = totals.expired
    return QueueStats(
      byState: byState, byPriority: byPriority,
      oldestReadyAge: oldest.mapValues { max(.zero, now.wall - $0) },
      readyByLane: ready.mapValues(\.count), totals: totals, counters: counters, gate: gate,
      capacity: configuration.capacity)
  }

  /// What must hold and does not, one sentence each; empty when all is well. O(n), for tests and audits.
  package func invariantViolations() -> [String] {
    var violations: [String] = []
    func require(_ condition: Bool, _ message: @autoclosure () -> String) {
      if !condition { violations.append(message()) }
    }
    let readyCount = ready.values.reduce(0) { $0 + $1.count }
    let live = readyCount + leased.count + delayed.count + buried.count
    let over = totals.done + totals.cancelled + totals.expired
    require(
      totals.enqueued == live + over, "enqueued \(totals.enqueued) is not live \(live) + finished \(over)")
    require(jobs.count == live, "\(jobs.count) jobs are known, \(live) are in a heap")
    require(ready.values.allSatisfy(\.isConsistent), "a ready heap is out of order")
    require(
      delayed.isConsistent && leased.isConsistent && buried.isConsistent && expiries.isConsistent
        && ageing.isConsistent, "a heap is out of order")
    for priority in Self.priorities {
      let count = tally[.ready]?[priority] ?? 0
      let oldest = waiting[priority].oldest.flatMap { jobs[$0.id] }
      require(
        count == 0 ? oldest == nil : oldest?.state == .ready && oldest?.priority == priority,
        "priority \(priority) does not know who of its \(count) waits longest")
      require(
        waiting[priority].count <= 2 * count + 65, "the line of priority \(priority) is not swept")
    }
    var counted: [JobState: [Int]] = [:]
    var sequences: Set<UInt64> = []
    for (id, job) in jobs {
      counted[job.state, default: Array(repeating: 0, count: Self.priorities.count)][job.priority] += 1
      require(job.id == id && sequences.insert(job.sequence).inserted, "\(id) shares its id or sequence")
      require(job.sequence <= lastSequence, "\(id) has a sequence from the future")
      require(isIndexed(job), "\(id) is \(job.state.rawValue) and not in the heaps of that state")
      require(
        (job.lease != nil) == (job.state == .leased), "\(id) is \(job.state.rawValue), its lease is not")
      require(recent[id] == nil, "\(id) is both live and finished")
      if let leader = job.lease?.leader {
        let epoch = ledger.record(lane: job.lane)?.epoch
        require(leader.lane == job.lane && leader.epoch == epoch, "\(id) is leased under a stale epoch")
      }
    }
    for (state, counts) in tally {
      let found = counted[state] ?? Array(repeating: 0, count: Self.priorities.count)
      require(counts == found, "the tally of \(state.rawValue) is \(counts), found \(found)")
    }
    return violations
  }

  private func isIndexed(_ job: Job) -> Bool {
    let waits = job.state == .ready || job.state == .delayed
    return (ready[job.lane]?.contains(job.id) ?? false) == (job.state == .ready)
      && delayed.contains(job.id) == (job.state == .delayed)
      && leased.contains(job.id) == (job.state == .leased)
      && buried.contains(job.id) == (job.state == .buried)
      && expiries.contains(job.id) == (waits && job.expiresAt != nil)
      && (!ageing.contains(job.id) || job.state == .ready)
  }
}
