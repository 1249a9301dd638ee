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

  var jobs: JobTable<ID>
  var ledger: LeadershipLedger
  /// By number of lane.
  var ready: [SlotHeap<ReadyKey>] = []
  var delayed = SlotHeap<DueKey<Timestamp>>()
  var leased = SlotHeap<DueKey<Instant>>()
  var buried = SlotHeap<UInt64>()
  /// In the heap of its state, for each job.
  var places = Places()
  /// Ready and delayed jobs with an `expiresAt`.
  var expiries = SlotHeap<DueKey<Timestamp>>()
  var expiryPlaces = Places()
  /// Ready jobs that can still be promoted, by when; empty without `maxWait`.
  var ageing = SlotHeap<DueKey<Timestamp>>()
  var ageingPlaces = Places()
  var recent: RecentlyFinished<ID>
  var lastSequence: UInt64
  /// Live jobs by state and priority.
  var tally = Tally()
  /// Ready jobs by priority, by when they became ready.
  var waiting = WaitLines(priorities: priorities.count)

  /// 0 (most urgent) … 9
  package static var priorities: ClosedRange<Int> { 0...9 }

  /// An empty queue.
  package init(configuration: QueueConfiguration = QueueConfiguration(), now: Now) {
    self.init(Snapshot(), configuration: configuration, now: now)
  }

  init(_ snapshot: Snapshot, configuration: QueueConfiguration, now: Now) {
    self.configuration = configuration
    jobs = snapshot.table
    gate = snapshot.gate
    totals = QueueTotals(
      enqueued: snapshot.table.count + snapshot.done + snapshot.cancelled + snapshot.expired,
      done: snapshot.done, cancelled: snapshot.cancelled, expired: snapshot.expired)
    ledger = LeadershipLedger(
      lease: configuration.leadershipLease, maxLanes: configuration.maxLanes, restoring: snapshot.leadership,
      now: now.monotonic)
    recent = RecentlyFinished(capacity: configuration.recentCapacity)
    lastSequence = max(snapshot.lastSequence, snapshot.lastLiveSequence)
    for (id, state) in snapshot.recent { recent.insert(id, state) }
    for record in snapshot.leadership { open(lane: record.lane) }
    indexAll(now: now)
  }
}

extension PriorityQueue {
  /// Makes the job what `job` says and notes the change.
  mutating func update(_ job: Job, cause: ChangeCause, now: Now, _ changes: inout [Change]) {
    guard let slot = jobs.slot(of: job.id) else { return }
    let before = jobs.records[Int(slot)].state
    unindex(slot)
    switch job.state {
    case .ready, .delayed, .leased, .buried:
      jobs.write(job, at: slot)
      index(slot, now: now)
    case .done: totals.done += 1
    case .cancelled: totals.cancelled += 1
    case .expired: totals.expired += 1
    }
    if job.state.isFinal {
      jobs.remove(slot)
      recent.insert(job.id, job.state)
      shrinkWhenEmpty()
    }
    changes.append(.stateChanged(job, from: before, cause: cause))
  }

  /// A queue that has run empty gives back the memory of what was in it.
  private mutating func shrinkWhenEmpty() {
    guard jobs.count == 0, jobs.records.count > 4_096 else { return }
    jobs.shrink()
    places = Places()
    expiryPlaces = Places()
    ageingPlaces = Places()
    waiting = WaitLines(priorities: Self.priorities.count)
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
