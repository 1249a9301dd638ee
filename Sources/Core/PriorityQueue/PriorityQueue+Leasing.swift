import CoreTime

/// The calls of a lane's leader. Each is fenced by epoch; `lease` asks for leadership that has not lapsed,
/// the others only that nobody else was granted the lane since.
///
/// A job can be leased again by the same leader after its lease ran out; the calls do not tell its two
/// deliveries apart, so a leader keeps the ids that it is carrying out and does not begin one of them a
/// second time.
extension PriorityQueue {
  /// Hands out up to `max` jobs for `duration`, most urgent and oldest first; both are cut to the configured
  /// limits.
  package mutating func lease(
    _ leader: LeaderToken, max: Int, duration: Duration, now: Now
  ) -> Step<LeaseAnswer> {
    if let fence = fence(leader, mustBeLive: true, now: now) {
      return Step(answer: .fenced(fence), changes: [])
    }
    if isPaused(now) { return Step(answer: .paused(gate.pause), changes: []) }
    let wanted = min(max, configuration.maxLeaseBatch)
    let duration = clamped(duration)
    let lease = JobLease(leader: leader, duration: duration, deadline: now.monotonic + duration)
    var changes: [Change] = []
    var batch: [Job] = []
    while batch.count < wanted, changes.count < wanted + configuration.maxTickWork,
      let slot = readyHeap(leader.lane)?.first?.slot
    {
      var job = jobs[slot]
      if expireIfOverdue(job, now: now, &changes) { continue }
      job.state = .leased
      job.attempts += 1
      job.lease = lease
      job.ackEpoch = leader.epoch
      counters.leased += 1
      if now.wall - job.readyAt >= configuration.starvationAfter { counters.starved += 1 }
      update(job, cause: .leased, now: now, &changes)
      batch.append(job)
    }
    return Step(answer: .leased(batch), changes: changes)
  }

  /// Gives a lease `duration` more, counted from now. Deadlines are not durable, so nothing is to be written.
  package mutating func touch(
    _ id: ID, _ leader: LeaderToken, duration: Duration, now: Now
  ) -> Step<TouchAnswer> {
    switch held(id, leader, now: now) {
    case .fenced(let fence): return Step(answer: .fenced(fence), changes: [])
    case .unknown: return Step(answer: .unknown, changes: [])
    case .notLeased(let state, _): return Step(answer: .notLeased(state), changes: [])
    case .lease(let job):
      let deadline = now.monotonic + clamped(duration)
      extendLease(of: job, until: deadline)
      return Step(answer: .touched(deadline: deadline), changes: [])
    }
  }

  /// The job is carried out. Accepted late as well, while nobody else was given it, because it *is* carried
  /// out.
  package mutating func ack(_ id: ID, _ leader: LeaderToken, now: Now) -> Step<AckAnswer> {
    var changes: [Change] = []
    switch held(id, leader, now: now) {
    case .fenced(let fence): return Step(answer: .fenced(fence), changes: [])
    case .unknown: return Step(answer: .unknown, changes: [])
    case .lease(let job):
      finish(job, now: now, &changes)
      return Step(answer: .acked(late: false), changes: changes)
    case .notLeased(.done, _): return Step(answer: .alreadyDone, changes: [])
    case .notLeased(let state, let job):
      guard let job, state == .ready || state == .delayed, job.ackEpoch == leader.epoch,
        job.lane == leader.lane
      else { return Step(answer: .notLeased(state), changes: []) }
      finish(job, now: now, &changes)
      return Step(answer: .acked(late: true), changes: changes)
    }
  }

  /// The job could not be carried out now. It comes back after `delay`, or after the backoff when that is
  /// nil.
  ///
  /// `countsAsAttempt: false` is for a leader that hands back what it never began (handover): then it is
  /// ready at once unless `delay` says otherwise, and no attempt is used up.
  package mutating func nack(
    _ id: ID, _ leader: LeaderToken, delay: Duration? = nil, reason: String, countsAsAttempt: Bool = true,
    now: Now, using random: inout some RandomNumberGenerator
  ) -> Step<NackAnswer> {
    switch held(id, leader, now: now) {
    case .fenced(let fence): return Step(answer: .fenced(fence), changes: [])
    case .unknown: return Step(answer: .unknown, changes: [])
    case .notLeased(let state, _): return Step(answer: .notLeased(state), changes: [])
    case .lease(var job):
      var changes: [Change] = []
      counters.nacked += 1
      job.reason = keptReason(reason)
      job.ackEpoch = 0
      if !countsAsAttempt { job.attempts = max(0, job.attempts - 1) }
      if countsAsAttempt, job.attempts >= configuration.deliveryLimit {
        entomb(job, cause: .deliveryLimit, .attempts, now: now, &changes)
        return Step(answer: .buried(attempts: job.attempts), changes: changes)
      }
      var wait = min(max(.zero, delay ?? .zero), configuration.maxDelay)
      if delay == nil, countsAsAttempt {
        wait = configuration.backoff.delay(afterAttempt: job.attempts, using: &random)
      }
      let readyAt = now.wall + wait
      let state = comeBack(job, at: readyAt, cause: .nacked, now: now, &changes)
      return Step(answer: .returned(state, readyAt: readyAt), changes: changes)
    }
  }

  /// The job can never be carried out: it becomes a dead letter whatever attempts are left.
  package mutating func bury(_ id: ID, _ leader: LeaderToken, reason: String, now: Now) -> Step<BuryAnswer> {
    switch held(id, leader, now: now) {
    case .fenced(let fence): return Step(answer: .fenced(fence), changes: [])
    case .unknown: return Step(answer: .unknown, changes: [])
    case .notLeased(let state, _): return Step(answer: .notLeased(state), changes: [])
    case .lease(var job):
      var changes: [Change] = []
      job.reason = keptReason(reason)
      entomb(job, cause: .buried, .permanent, now: now, &changes)
      return Step(answer: .buried, changes: changes)
    }
  }

  /// What stands behind a leader's call about a job.
  private enum Held {
    case fenced(Fence)
    case unknown
    case notLeased(JobState, Job?)
    case lease(Job)
  }

  private mutating func held(_ id: ID, _ leader: LeaderToken, now: Now) -> Held {
    if let fence = fence(leader, mustBeLive: false, now: now) { return .fenced(fence) }
    guard let job = jobs[id] else { return recent[id].map { .notLeased($0, nil) } ?? .unknown }
    guard job.state == .leased, job.lease?.leader == leader else { return .notLeased(job.state, job) }
    return .lease(job)
  }

  private mutating func extendLease(of job: Job, until deadline: Instant) {
    guard let slot = jobs.slot(of: job.id) else { return }
    jobs.setDeadline(deadline, of: slot)
    leased.move(slot, key: DueKey(time: deadline, sequence: job.sequence), &places)
  }

  private mutating func finish(_ job: Job, now: Now, _ changes: inout [Change]) {
    var job = job
    job.state = .done
    job.lease = nil
    counters.acked += 1
    update(job, cause: .acked, now: now, &changes)
  }

  private mutating func fence(_ leader: LeaderToken, mustBeLive: Bool, now: Now) -> Fence? {
    let fence = ledger.fence(leader, mustBeLive: mustBeLive, now: now.monotonic)
    if fence != nil { counters.fenced += 1 }
    return fence
  }

  private func isPaused(_ now: Now) -> Bool {
    switch gate.pause {
    case .none: false
    case .indefinitely: true
    case .until(let end): now.wall < end
    }
  }

  private func clamped(_ duration: Duration) -> Duration {
    min(max(duration, .milliseconds(1)), configuration.maxLease)
  }
}
