import CoreTime

extension PriorityQueue {
  /// What the store holds at start. Jobs are kept as the queue itself keeps them, so that reading a million of
  /// them takes their memory once.
  package struct Snapshot: Sendable {
    var table = JobTable<ID>()
    var lastLiveSequence: UInt64 = 0
    package var leadership: [LeadershipRecord] = []
    package var gate = QueueGate()
    /// How many rows are in each final state.
    package var done = 0
    package var cancelled = 0
    package var expired = 0
    /// Latest finished jobs, oldest first.
    package var recent: [(id: ID, state: JobState)] = []
    /// The highest of all rows, finished ones too.
    package var lastSequence: UInt64 = 0

    package init() {}

    package var count: Int { table.count }

    /// Takes in a row whose state is not final, each once, in any order.
    package mutating func add(_ job: Job) {
      precondition(!job.state.isFinal, "a snapshot lists only jobs that are not finished")
      precondition(table.slot(of: job.id) == nil, "a job stands twice in a snapshot")
      var job = job
      job.priority = min(max(job.priority, priorities.lowerBound), priorities.upperBound)
      lastLiveSequence = max(lastLiveSequence, job.sequence)
      _ = table.insert(job)
    }
  }

  /// The queue as the store knows it. Leases and leadership begin their full duration anew. A leased row
  /// without the lane's current epoch, which one transaction per step never leaves behind, becomes ready; the
  /// changes say so.
  package static func restore(
    _ snapshot: Snapshot, configuration: QueueConfiguration = QueueConfiguration(), now: Now
  ) -> Step<PriorityQueue> {
    var queue = PriorityQueue(snapshot, configuration: configuration, now: now)
    var changes: [Change] = []
    for job in queue.leased.slots.sorted().map({ queue.jobs[$0] }) {
      if let leader = job.lease?.leader, queue.ledger.record(lane: job.lane)?.epoch == leader.epoch {
        continue
      }
      queue.comeBack(job, at: now.wall, cause: .leaderReplaced, now: now, &changes)
    }
    return Step(answer: queue, changes: changes)
  }

  /// Builds the heaps and lines for all jobs of the table at once, each heap from the bottom up.
  mutating func indexAll(now: Now) {
    openLanes()
    var waiters: [Slot] = []
    for slot in jobs.slots {
      let record = jobs.records[Int(slot)]
      if record.state == .leased {
        jobs.setDeadline(now.monotonic + (jobs[slot].lease?.duration ?? .zero), of: slot)
      }
      tally[record.state, Int(record.priority)] += 1
      appendUnordered(slot, record, now: now)
      if record.state == .ready { waiters.append(slot) }
    }
    for lane in ready.indices { ready[lane].restoreOrder(&places) }
    delayed.restoreOrder(&places)
    leased.restoreOrder(&places)
    buried.restoreOrder(&places)
    expiries.restoreOrder(&expiryPlaces)
    ageing.restoreOrder(&ageingPlaces)
    waiters.sort { jobs.records[Int($0)].readyAt < jobs.records[Int($1)].readyAt }
    for slot in waiters { waiting.add(slot, jobs.records) }
  }

  private mutating func appendUnordered(_ slot: Slot, _ record: JobRecord, now: Now) {
    let sequence = record.sequence
    switch record.state {
    case .ready:
      let level = level(of: record, now: now)
      ready[Int(record.lane)].appendUnordered(
        slot, key: ReadyKey(level: level, sequence: sequence), &places)
      if let due = ageingTime(of: record, level: level) {
        ageing.appendUnordered(slot, key: DueKey(time: due, sequence: sequence), &ageingPlaces)
      }
    case .delayed:
      delayed.appendUnordered(slot, key: DueKey(time: record.readyAt, sequence: sequence), &places)
    case .leased:
      let deadline = jobs[slot].lease?.deadline ?? now.monotonic
      leased.appendUnordered(slot, key: DueKey(time: deadline, sequence: sequence), &places)
    case .buried: buried.appendUnordered(slot, key: sequence, &places)
    case .done, .cancelled, .expired: break
    }
    if let expiresAt = record.expiresAt, record.state == .ready || record.state == .delayed {
      expiries.appendUnordered(slot, key: DueKey(time: expiresAt, sequence: sequence), &expiryPlaces)
    }
  }
}
