import CoreTime

/// The order in which ready jobs are handed out: by level, then by arrival, in one word.
struct ReadyKey: Sendable, Comparable {
  private let word: UInt64

  /// `level`: the priority, less what ageing took off, 0 to 9. Sequences stay below 2^60.
  init(level: Int, sequence: UInt64) { word = UInt64(level) << 60 | min(sequence, 1 << 60 - 1) }

  static func < (left: ReadyKey, right: ReadyKey) -> Bool { left.word < right.word }
}

/// How many jobs there are by state and priority.
struct Tally: Sendable {
  private static var width: Int { 10 }
  private var counts = ContiguousArray(repeating: 0, count: 4 * width)

  subscript(state: JobState, priority: Int) -> Int {
    get { Self.row(state).map { counts[$0 * Self.width + priority] } ?? 0 }
    set {
      if let row = Self.row(state) { counts[row * Self.width + priority] = newValue }
    }
  }

  /// By priority.
  subscript(state: JobState) -> [Int] { (0..<Self.width).map { self[state, $0] } }

  private static func row(_ state: JobState) -> Int? {
    switch state {
    case .ready: 0
    case .delayed: 1
    case .leased: 2
    case .buried: 3
    case .done, .cancelled, .expired: nil
    }
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
  /// Makes a lane known and answers its number.
  @discardableResult
  mutating func open(lane: String) -> Int {
    let number = Int(jobs.name(lane: lane))
    openLanes()
    return number
  }

  mutating func openLanes() {
    while ready.count < jobs.lanes.count { ready.append(SlotHeap()) }
  }

  func readyHeap(_ lane: String) -> SlotHeap<ReadyKey>? { jobs.lanes.number(of: lane).map { ready[Int($0)] } }

  /// Takes a new job in.
  mutating func insert(_ job: Job, now: Now) {
    open(lane: job.lane)
    index(jobs.insert(job), now: now)
  }

  /// Enters the job of the table in the heaps of its state.
  mutating func index(_ slot: Slot, now: Now) {
    let record = jobs.records[Int(slot)]
    let sequence = record.sequence
    tally[record.state, Int(record.priority)] += 1
    switch record.state {
    case .ready:
      let level = level(of: record, now: now)
      ready[Int(record.lane)].insert(slot, key: ReadyKey(level: level, sequence: sequence), &places)
      scheduleAgeing(of: slot, record, level: level)
      scheduleExpiry(of: slot, record)
      waiting.add(slot, jobs.records)
    case .delayed:
      delayed.insert(slot, key: DueKey(time: record.readyAt, sequence: sequence), &places)
      scheduleExpiry(of: slot, record)
    case .leased:
      let deadline = jobs[slot].lease?.deadline ?? now.monotonic
      leased.insert(slot, key: DueKey(time: deadline, sequence: sequence), &places)
    case .buried: buried.insert(slot, key: sequence, &places)
    case .done, .cancelled, .expired: break
    }
  }

  /// Takes the job out of the heaps; the table still has it.
  mutating func unindex(_ slot: Slot) {
    let record = jobs.records[Int(slot)]
    tally[record.state, Int(record.priority)] -= 1
    switch record.state {
    case .ready:
      ready[Int(record.lane)].remove(slot, &places)
      ageing.remove(slot, &ageingPlaces)
      expiries.remove(slot, &expiryPlaces)
      waiting.remove(slot, priority: Int(record.priority))
    case .delayed:
      delayed.remove(slot, &places)
      expiries.remove(slot, &expiryPlaces)
    case .leased: leased.remove(slot, &places)
    case .buried: buried.remove(slot, &places)
    case .done, .cancelled, .expired: break
    }
  }

  /// The priority less one for each full `maxWait` since the job became ready, at least 0.
  func level(of record: JobRecord, now: Now) -> Int {
    let priority = Int(record.priority)
    guard let maxWait = configuration.maxWait else { return priority }
    let waited = max(0, now.wall.milliseconds - record.readyAt.milliseconds)
    return Int(max(0, Int64(priority) - waited / maxWait.millisecondsClamped))
  }

  /// Takes a ready job to the level that its waiting has earned it.
  mutating func promote(_ slot: Slot, now: Now) {
    let record = jobs.records[Int(slot)]
    let level = level(of: record, now: now)
    ready[Int(record.lane)].move(
      slot, key: ReadyKey(level: level, sequence: record.sequence), &places)
    ageing.remove(slot, &ageingPlaces)
    scheduleAgeing(of: slot, record, level: level)
    counters.promoted += 1
  }

  /// Whether a job of that lane may be taken in, or the lane claimed.
  func admits(lane: String) -> Bool {
    jobs.lanes.number(of: lane) != nil || ledger.hasLane(lane) || ready.count < configuration.maxLanes
  }

  /// When the job rises from `level` to the next; nil when it does not.
  func ageingTime(of record: JobRecord, level: Int) -> Timestamp? {
    guard let maxWait = configuration.maxWait, level > 0 else { return nil }
    let waits = Int64(Int(record.priority) - level + 1)
    return Timestamp(milliseconds: record.readyAt.milliseconds + waits * maxWait.millisecondsClamped)
  }

  private mutating func scheduleAgeing(of slot: Slot, _ record: JobRecord, level: Int) {
    guard let due = ageingTime(of: record, level: level) else { return }
    ageing.insert(slot, key: DueKey(time: due, sequence: record.sequence), &ageingPlaces)
  }

  private mutating func scheduleExpiry(of slot: Slot, _ record: JobRecord) {
    guard let expiresAt = record.expiresAt else { return }
    expiries.insert(slot, key: DueKey(time: expiresAt, sequence: record.sequence), &expiryPlaces)
  }
}
