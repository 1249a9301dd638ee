import CoreTime

/// The order in which ready jobs are handed out.
struct ReadyKey: Sendable, Comparable {
  /// The priority, less what ageing took off.
  var level: Int
  var sequence: UInt64

  static func < (left: ReadyKey, right: ReadyKey) -> Bool {
    left.level != right.level ? left.level < right.level : left.sequence < right.sequence
  }
}

/// A deadline; jobs with the same one go by their arrival, so that a run can be replayed.
struct DueKey<Time: Comparable & Sendable>: Sendable, Comparable {
  var time: Time
  var sequence: UInt64

  static func < (left: DueKey, right: DueKey) -> Bool {
    left.time != right.time ? left.time < right.time : left.sequence < right.sequence
  }
}

/// The latest finished jobs, in a ring.
struct RecentlyFinished<ID: Hashable & Sendable>: Sendable {
  let capacity: Int
  private var states: [ID: JobState] = [:]
  private var ring: [ID] = []
  private var next = 0

  init(capacity: Int) { self.capacity = capacity }

  subscript(id: ID) -> JobState? { states[id] }

  mutating func insert(_ id: ID, _ state: JobState) {
    guard capacity > 0, states.updateValue(state, forKey: id) == nil else { return }
    if ring.count < capacity {
      ring.append(id)
    } else {
      states.removeValue(forKey: ring[next])
      ring[next] = id
      next = (next + 1) % capacity
    }
  }
}

extension PriorityQueue {
  /// `inLine`: whether a ready job joins those whose age is watched; a restore adds them all at once.
  mutating func index(_ job: Job, now: Now, inLine: Bool = true) {
    jobs[job.id] = job
    tally[job.state, default: Array(repeating: 0, count: Self.priorities.count)][job.priority] += 1
    switch job.state {
    case .ready:
      let level = level(of: job, now: now)
      ready[job.lane, default: PositionHeap()].set(
        job.id, key: ReadyKey(level: level, sequence: job.sequence))
      scheduleAgeing(of: job, level: level)
      scheduleExpiry(of: job)
      if inLine { waiting[job.priority].add(job.id, at: job.readyAt) }
    case .delayed:
      if ready[job.lane] == nil { ready[job.lane] = PositionHeap() }
      delayed.set(job.id, key: DueKey(time: job.readyAt, sequence: job.sequence))
      scheduleExpiry(of: job)
    case .leased:
      let deadline = job.lease?.deadline ?? now.monotonic
      if ready[job.lane] == nil { ready[job.lane] = PositionHeap() }
      leased.set(job.id, key: DueKey(time: deadline, sequence: job.sequence))
    case .buried:
      if ready[job.lane] == nil { ready[job.lane] = PositionHeap() }
      buried.set(job.id, key: job.sequence)
    case .done, .cancelled, .expired: break
    }
  }

  mutating func unindex(_ job: Job) {
    jobs.removeValue(forKey: job.id)
    tally[job.state]?[job.priority] -= 1
    switch job.state {
    case .ready:
      ready[job.lane]?.remove(job.id)
      ageing.remove(job.id)
      expiries.remove(job.id)
      settleLine(job.priority)
    case .delayed:
      delayed.remove(job.id)
      expiries.remove(job.id)
    case .leased: leased.remove(job.id)
    case .buried: buried.remove(job.id)
    case .done, .cancelled, .expired: break
    }
  }

  /// The priority less one for each full `maxWait` since the job became ready, at least 0.
  func level(of job: Job, now: Now) -> Int {
    guard let maxWait = configuration.maxWait else { return job.priority }
    let waited = max(0, now.wall.milliseconds - job.readyAt.milliseconds)
    return Int(max(0, Int64(job.priority) - waited / maxWait.millisecondsClamped))
  }

  /// Takes a ready job to the level that its waiting has earned it.
  mutating func promote(_ job: Job, now: Now) {
    let level = level(of: job, now: now)
    ready[job.lane]?.set(job.id, key: ReadyKey(level: level, sequence: job.sequence))
    ageing.remove(job.id)
    scheduleAgeing(of: job, level: level)
    counters.promoted += 1
  }

  private mutating func settleLine(_ priority: Int) {
    waiting[priority].settle(waiting: tally[.ready]?[priority] ?? 0) { [jobs] id, time in
      jobs[id].map { $0.state == .ready && $0.priority == priority && $0.readyAt == time } ?? false
    }
  }

  /// Whether a job of that lane may be taken in, or the lane claimed.
  func admits(lane: String) -> Bool {
    ready[lane] != nil || ledger.hasLane(lane) || ready.count < configuration.maxLanes
  }

  private mutating func scheduleAgeing(of job: Job, level: Int) {
    guard let maxWait = configuration.maxWait, level > 0 else { return }
    let waits = Int64(job.priority - level + 1)
    let due = Timestamp(milliseconds: job.readyAt.milliseconds + waits * maxWait.millisecondsClamped)
    ageing.set(job.id, key: DueKey(time: due, sequence: job.sequence))
  }

  private mutating func scheduleExpiry(of job: Job) {
    guard let expiresAt = job.expiresAt else { return }
    expiries.set(job.id, key: DueKey(time: expiresAt, sequence: job.sequence))
  }
}
