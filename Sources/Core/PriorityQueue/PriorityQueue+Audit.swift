import CoreTime

extension PriorityQueue {
  /// What must hold and does not, one sentence each; empty when all is well. O(n), for tests and audits.
  package func invariantViolations() -> [String] {
    var violations: [String] = []
    func require(_ condition: Bool, _ message: @autoclosure () -> String) {
      if !condition { violations.append(message()) }
    }
    let readyCount = ready.reduce(0) { $0 + $1.count }
    let live = readyCount + leased.count + delayed.count + buried.count
    let over = totals.done + totals.cancelled + totals.expired
    require(
      totals.enqueued == live + over, "enqueued \(totals.enqueued) is not live \(live) + finished \(over)")
    require(jobs.count == live, "\(jobs.count) jobs are known, \(live) are in a heap")
    require(ready.allSatisfy { $0.isConsistent(places) }, "a ready heap is out of order")
    require(
      delayed.isConsistent(places) && leased.isConsistent(places) && buried.isConsistent(places)
        && expiries.isConsistent(expiryPlaces) && ageing.isConsistent(ageingPlaces), "a heap is out of order")
    for priority in Self.priorities {
      let line = walk(priority)
      require(
        line.count == tally[.ready, priority], "the line of priority \(priority) is not those who wait there")
      require(
        line.allSatisfy { $0.state == .ready && $0.priority == priority },
        "another stands in the line of priority \(priority)")
    }
    violations += jobs.slots.reduce(into: Audit(self)) { $0.visit($1) }.finish()
    return violations
  }

  private func walk(_ priority: Int) -> [JobRecord] {
    var found: [JobRecord] = []
    var next = waiting.oldest(priority)
    while let slot = next, found.count <= jobs.count {
      found.append(jobs.records[Int(slot)])
      next = waiting.next(after: slot)
    }
    return found
  }

  /// What is asked of each job.
  private struct Audit {
    let queue: PriorityQueue
    var violations: [String] = []
    var counted = Tally()
    var sequences: Set<UInt64> = []

    init(_ queue: PriorityQueue) { self.queue = queue }

    mutating func visit(_ slot: Slot) {
      let job = queue.jobs[slot]
      func require(_ condition: Bool, _ message: String) {
        if !condition { violations.append("\(job.id) \(message)") }
      }
      counted[job.state, job.priority] += 1
      require(queue.jobs.slot(of: job.id) == slot, "is not found by its id")
      require(sequences.insert(job.sequence).inserted, "shares its sequence")
      require(job.sequence <= queue.lastSequence, "has a sequence from the future")
      require(queue.isIndexed(slot), "is \(job.state.rawValue) and not in the heaps of that state")
      require((job.lease != nil) == (job.state == .leased), "is \(job.state.rawValue), its lease is not")
      require(queue.recent[job.id] == nil, "is both live and finished")
      if let leader = job.lease?.leader {
        let epoch = queue.ledger.record(lane: job.lane)?.epoch
        require(leader.lane == job.lane && leader.epoch == epoch, "is leased under a stale epoch")
      }
    }

    func finish() -> [String] {
      let live: [JobState] = [.ready, .delayed, .leased, .buried]
      let wrong = live.filter { queue.tally[$0] != counted[$0] }
      return violations
        + wrong.map { "the tally of \($0.rawValue) is \(queue.tally[$0]), found \(counted[$0])" }
    }
  }

  private func isIndexed(_ slot: Slot) -> Bool {
    let record = jobs.records[Int(slot)]
    let waits = record.state == .ready || record.state == .delayed
    return ready[Int(record.lane)].contains(slot, places) == (record.state == .ready)
      && delayed.contains(slot, places) == (record.state == .delayed)
      && leased.contains(slot, places) == (record.state == .leased)
      && buried.contains(slot, places) == (record.state == .buried)
      && expiries.contains(slot, expiryPlaces) == (waits && record.expiresAt != nil)
      && (!ageing.contains(slot, ageingPlaces) || record.state == .ready)
  }
}
