package import CoreTime

extension PriorityQueue {
  /// What a producer hands in.
  package struct NewJob: Sendable, Hashable {
    package var id: ID
    package var lane: String
    /// 0 (most urgent) … 9
    package var priority: Int
    package var notBefore: Timestamp?
    package var expiresAt: Timestamp?

    package init(
      id: ID, lane: String = "main", priority: Int = 5, notBefore: Timestamp? = nil,
      expiresAt: Timestamp? = nil
    ) {
      self.id = id
      self.lane = lane
      self.priority = priority
      self.notBefore = notBefore
      self.expiresAt = expiresAt
    }
  }

  /// Takes a job in; a known id changes nothing, whatever else the repeat says.
  package mutating func enqueue(_ new: NewJob, now: Now) -> Step<EnqueueAnswer> {
    func refuse(_ answer: EnqueueAnswer) -> Step<EnqueueAnswer> { Step(answer: answer, changes: []) }
    if let known = state(of: new.id) {
      counters.duplicates += 1
      return refuse(.duplicate(known))
    }
    guard Self.priorities.contains(new.priority) else { return refuse(.invalidPriority) }
    guard !gate.draining else { return refuse(.draining) }
    guard admits(lane: new.lane) else { return refuse(.tooManyLanes(limit: configuration.maxLanes)) }
    guard jobs.count < configuration.capacity else {
      counters.refusedFull += 1
      return refuse(.full(capacity: configuration.capacity, retryAfter: configuration.fullRetryAfter))
    }
    let readyAt = max(new.notBefore ?? now.wall, now.wall)
    lastSequence += 1
    let job = Job(
      id: new.id, lane: new.lane, priority: new.priority, sequence: lastSequence,
      state: readyAt > now.wall ? .delayed : .ready, enqueuedAt: now.wall, readyAt: readyAt,
      expiresAt: new.expiresAt)
    totals.enqueued += 1
    insert(job, now: now)
    var changes: [Change] = [.inserted(job)]
    let isOverdue = expireIfOverdue(job, now: now, &changes)
    return Step(answer: .enqueued(isOverdue ? .expired : job.state), changes: changes)
  }

  /// Withdraws a job that nobody is carrying out.
  package mutating func cancel(_ id: ID, reason: String, now: Now) -> Step<CancelAnswer> {
    guard var job = jobs[id] else {
      switch recent[id] {
      case .cancelled: return Step(answer: .alreadyCancelled, changes: [])
      case .some(let state): return Step(answer: .tooLate(state, holder: nil), changes: [])
      case nil: return Step(answer: .unknown, changes: [])
      }
    }
    if job.state == .leased {
      return Step(answer: .tooLate(.leased, holder: job.lease?.leader), changes: [])
    }
    var changes: [Change] = []
    job.state = .cancelled
    job.ackEpoch = 0
    job.reason = keptReason(reason)
    update(job, cause: .cancelled, now: now, &changes)
    return Step(answer: .cancelled, changes: changes)
  }

  /// An operator's burial: of a job that waits, or of one that is leased, whoever holds it. What is buried
  /// already stays so; a finished one is answered as `notLeased`.
  package mutating func bury(_ id: ID, reason: String, now: Now) -> Step<BuryAnswer> {
    guard var job = jobs[id] else {
      return Step(answer: recent[id].map(BuryAnswer.notLeased) ?? .unknown, changes: [])
    }
    if job.state == .buried { return Step(answer: .buried, changes: []) }
    var changes: [Change] = []
    job.reason = keptReason(reason)
    entomb(job, cause: .buried, .byOperator, now: now, &changes)
    return Step(answer: .buried, changes: changes)
  }

  /// Takes a dead letter back into the line, with all its attempts before it.
  package mutating func kick(_ id: ID, now: Now) -> Step<KickAnswer> {
    guard let job = jobs[id] else {
      return Step(answer: recent[id].map(KickAnswer.notBuried) ?? .unknown, changes: [])
    }
    guard job.state == .buried else { return Step(answer: .notBuried(job.state), changes: []) }
    var changes: [Change] = []
    return Step(answer: .kicked(revive(job, now: now, &changes)), changes: changes)
  }

  /// Kicks up to `limit` dead letters in their order of arrival; answers their ids.
  package mutating func kickAll(limit: Int, now: Now) -> Step<[ID]> {
    var changes: [Change] = []
    let dead = buried.ordered(limit: limit).map { jobs[$0] }
    for job in dead { revive(job, now: now, &changes) }
    return Step(answer: dead.map(\.id), changes: changes)
  }

  @discardableResult
  private mutating func revive(_ job: Job, now: Now, _ changes: inout [Change]) -> JobState {
    var job = job
    job.attempts = 0
    counters.kicked += 1
    return comeBack(job, at: now.wall, cause: .kicked, now: now, &changes)
  }

  /// Refuses leases from now on, for good or until a time; a later call replaces an earlier one.
  package mutating func pause(until end: Timestamp?) -> Step<QueueGate> {
    shut { $0.pause = end.map(QueueGate.Pause.until) ?? .indefinitely }
  }

  package mutating func resume() -> Step<QueueGate> { shut { $0.pause = .none } }

  /// Draining refuses new jobs and goes on leasing, so that the queue runs empty.
  package mutating func setDraining(_ draining: Bool) -> Step<QueueGate> { shut { $0.draining = draining } }

  mutating func shut(_ change: (inout QueueGate) -> Void) -> Step<QueueGate> {
    let before = gate
    change(&gate)
    return Step(answer: gate, changes: gate == before ? [] : [.gateChanged(gate)])
  }
}
