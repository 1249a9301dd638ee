import CoreTime

/// The durable priority queue as a pure machine (DESIGN §5): strict priority, first in first out inside a
/// level, leases under fencing epochs, delivery limit, backoff, dead letters. It holds no bodies, reads no
/// clock and writes nothing.
///
/// Every call answers, and returns the rows that must be durable before the answer leaves. When that write
/// fails, throw this value away and `restore` from the store: memory is ahead of it.
///
/// Finished jobs are forgotten but for the latest `recentCapacity`, so the shell asks its store about an id
/// that `state(of:)` does not know before it enqueues it. Names of lanes are the shell's to check for length.
package struct PriorityQueue<ID: Hashable & Sendable>: Sendable {
  package let configuration: QueueConfiguration
  package internal(set) var gate: QueueGate
  /// Since the store began.
  package internal(set) var totals: QueueTotals
  /// Since this process began.
  package internal(set) var counters = QueueCounters()

  var jobs: [ID: Job] = [:]
  var ledger: LeadershipLedger
  var ready: [String: PositionHeap<ID, ReadyKey>] = [:]
  var delayed = PositionHeap<ID, DueKey<Timestamp>>()
  var leased = PositionHeap<ID, DueKey<Instant>>()
  var buried = PositionHeap<ID, UInt64>()
  /// Ready and delayed jobs with an `expiresAt`.
  var expiries = PositionHeap<ID, DueKey<Timestamp>>()
  /// Ready jobs that can still be promoted, by when; empty without `maxWait`.
  var ageing = PositionHeap<ID, DueKey<Timestamp>>()
  var recent: RecentlyFinished<ID>
  var lastSequence: UInt64
  /// Live jobs by state and priority.
  var tally: [JobState: [Int]] = [:]
  /// Ready jobs by priority, by when they became ready.
  var waiting: [AgeLine<ID, Timestamp>] = Array(repeating: AgeLine(), count: priorities.count)

  /// 0 (most urgent) … 9
  package static var priorities: ClosedRange<Int> { 0...9 }

  /// An empty queue.
  package init(configuration: QueueConfiguration = QueueConfiguration(), now: Now) {
    self.init(configuration: configuration, snapshot: Snapshot(), now: now)
  }

  /// What the store holds at start.
  package struct Snapshot: Sendable {
    /// The rows whose state is not final, in any order.
    package var jobs: [Job] = []
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
  }

  /// The queue as the store knows it. Leases and leadership begin their full duration anew. A leased row
  /// without the lane's current epoch, which one transaction per step never leaves behind, becomes ready; the
  /// changes say so.
  package static func restore(
    _ snapshot: Snapshot, configuration: QueueConfiguration = QueueConfiguration(), now: Now
  ) -> Step<PriorityQueue> {
    var queue = PriorityQueue(configuration: configuration, snapshot: snapshot, now: now)
    var changes: [Change] = []
    for job in snapshot.jobs where job.state == .leased {
      if let leader = job.lease?.leader, queue.ledger.record(lane: job.lane)?.epoch == leader.epoch {
        continue
      }
      queue.comeBack(job, at: now.wall, cause: .leaderReplaced, now: now, &changes)
    }
    return Step(answer: queue, changes: changes)
  }

  private init(configuration: QueueConfiguration, snapshot: Snapshot, now: Now) {
    self.configuration = configuration
    gate = snapshot.gate
    totals = QueueTotals(
      enqueued: snapshot.jobs.count + snapshot.done + snapshot.cancelled + snapshot.expired,
      done: snapshot.done, cancelled: snapshot.cancelled, expired: snapshot.expired)
    ledger = LeadershipLedger(
      lease: configuration.leadershipLease, maxLanes: configuration.maxLanes, restoring: snapshot.leadership,
      now: now.monotonic)
    recent = RecentlyFinished(capacity: configuration.recentCapacity)
    lastSequence = snapshot.lastSequence
    for (id, state) in snapshot.recent { recent.insert(id, state) }
    for record in snapshot.leadership { ready[record.lane] = PositionHeap() }
    var waiters: [[(id: ID, time: Timestamp)]] = Array(repeating: [], count: Self.priorities.count)
    for var job in snapshot.jobs {
      precondition(!job.state.isFinal, "a snapshot lists only jobs that are not finished")
      precondition(jobs[job.id] == nil, "a job stands twice in a snapshot")
      job.priority = min(max(job.priority, Self.priorities.lowerBound), Self.priorities.upperBound)
      if let duration = job.lease?.duration { job.lease?.deadline = now.monotonic + duration }
      lastSequence = max(lastSequence, job.sequence)
      index(job, now: now, inLine: false)
      if job.state == .ready { waiters[job.priority].append((job.id, job.readyAt)) }
    }
    for priority in Self.priorities { waiting[priority].add(waiters[priority]) }
  }
}

extension PriorityQueue {
  /// Makes the job what `job` says and notes the change.
  mutating func update(_ job: Job, cause: ChangeCause, now: Now, _ changes: inout [Change]) {
    guard let old = jobs[job.id] else { return }
    unindex(old)
    switch job.state {
    case .ready, .delayed, .leased, .buried: index(job, now: now)
    case .done: totals.done += 1
    case .cancelled: totals.cancelled += 1
    case .expired: totals.expired += 1
    }
    if job.state.isFinal { recent.insert(job.id, job.state) }
    changes.append(.stateChanged(job, from: old.state, cause: cause))
  }

  /// Puts a job back into the line, to be ready at `readyAt`; expires it when it is too late. Returns its
  /// state.
  @discardableResult
  mutating func comeBack(
    _ job: Job, at readyAt: Timestamp, cause: ChangeCause, now: Now, _ changes: inout [Change]
  ) -> JobState {
    var job = job
    job.lease = nil
    job.readyAt = readyAt
    job.state = readyAt > now.wall ? .delayed : .ready
    update(job, cause: cause, now: now, &changes)
    return expireIfOverdue(job, now: now, &changes) ? .expired : job.state
  }

  /// What becomes of a leased job whose leader is gone or silent. Returns its state.
  @discardableResult
  mutating func takeBack(_ job: Job, cause: ChangeCause, now: Now, _ changes: inout [Change]) -> JobState {
    var job = job
    job.reason = cause.rawValue
    guard job.attempts >= configuration.deliveryLimit else {
      return comeBack(job, at: now.wall, cause: cause, now: now, &changes)
    }
    let burial: Burial = cause == .leaseExpired ? .leaseExpired : .leaderReplaced
    entomb(job, cause: .deliveryLimit, burial, now: now, &changes)
    return .buried
  }

  mutating func entomb(
    _ job: Job, cause: ChangeCause, _ burial: Burial, now: Now, _ changes: inout [Change]
  ) {
    var job = job
    job.lease = nil
    job.ackEpoch = 0
    job.state = .buried
    counters.buried += 1
    counters.burials[burial, default: 0] += 1
    update(job, cause: cause, now: now, &changes)
  }

  /// For a job that is ready or delayed.
  mutating func expireIfOverdue(_ job: Job, now: Now, _ changes: inout [Change]) -> Bool {
    guard let expiresAt = job.expiresAt, expiresAt <= now.wall else { return false }
    var job = job
    job.state = .expired
    job.ackEpoch = 0
    update(job, cause: .overdue, now: now, &changes)
    return true
  }

  func keptReason(_ reason: String) -> String {
    guard reason.utf8.count > configuration.maxReasonLength else { return reason }
    return String(decoding: reason.utf8.prefix(configuration.maxReasonLength), as: UTF8.self)
  }
}
