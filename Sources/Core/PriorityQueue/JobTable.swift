import CoreTime

/// All jobs that are not finished: 48 bytes and the id for each, and 11 to 21 more to find it by its id.
///
/// What does not depend on the type of the id stands apart from what does, so that a build without whole-program
/// specialisation works on plain records.
struct JobTable<ID: Hashable & Sendable>: Sendable {
  typealias Job = PriorityQueue<ID>.Job

  private(set) var count = 0
  private(set) var lanes = LaneNames()
  private(set) var records = Column<JobRecord>()
  private var ids = Column<ID>()
  private var index = SlotIndex()
  private var free = Column<Slot>()
  private var reasons = Texts()
  private var holders = Holders()

  subscript(id: ID) -> Job? { slot(of: id).map { self[$0] } }

  func slot(of id: ID) -> Slot? { index.find(id.hashValue) { ids[Int($0)] == id } }

  func id(at slot: Slot) -> ID { ids[Int(slot)] }

  subscript(slot: Slot) -> Job {
    let record = records[Int(slot)]
    let holder = holders[record.holder]
    let lane = lanes[record.lane]
    return Job(
      id: ids[Int(slot)], lane: lane, priority: Int(record.priority), sequence: record.sequence,
      state: record.state, attempts: Int(record.attempts), enqueuedAt: record.enqueuedAt,
      readyAt: record.readyAt, expiresAt: record.expiresAt,
      lease: holder?.lease.map { lease in
        JobLease(
          leader: LeaderToken(lane: lane, executor: lease.executor, epoch: lease.epoch),
          duration: lease.duration, deadline: lease.deadline)
      },
      ackEpoch: holder?.ackEpoch ?? 0, reason: reasons[record.reason])
  }

  /// In the order in which they stand.
  var slots: some Sequence<Slot> {
    (0..<records.count).lazy.filter { !records[$0].state.isFinal }.map { Slot($0) }
  }

  /// Makes a lane known.
  mutating func name(lane: String) -> UInt16 { lanes.name(lane) }

  /// For an id that is not in it.
  mutating func insert(_ job: Job) -> Slot {
    let record = JobRecord(
      sequence: job.sequence, enqueuedAt: job.enqueuedAt, readyAt: job.readyAt, expiry: JobRecord.never,
      attempts: 0, lane: lanes.name(job.lane), priority: UInt8(job.priority), state: job.state)
    let slot: Slot
    if free.count > 0 {
      slot = free.removeLast()
      records[Int(slot)] = record
      ids[Int(slot)] = job.id
    } else {
      precondition(records.count < Slot.none, "a queue has fewer jobs than that")
      slot = Slot(records.count)
      records.append(record)
      ids.append(job.id)
    }
    index.insert(job.id.hashValue, slot)
    count += 1
    write(job, at: slot)
    return slot
  }

  /// Its id, lane, priority and sequence are for life.
  mutating func write(_ job: Job, at slot: Slot) {
    var record = records[Int(slot)]
    record.readyAt = job.readyAt
    record.expiresAt = job.expiresAt
    record.attempts = UInt32(clamping: job.attempts)
    record.state = job.state
    if record.reason != 0 || job.reason != nil, reasons[record.reason] != job.reason {
      let before = record.reason
      record.reason = reasons.take(job.reason)
      reasons.drop(before)
    }
    if record.holder != 0 || job.lease != nil || job.ackEpoch != 0 {
      record.holder = holders.set(Self.holder(of: job), for: record.holder)
    }
    records[Int(slot)] = record
  }

  mutating func remove(_ slot: Slot) {
    var record = records[Int(slot)]
    reasons.drop(record.reason)
    _ = holders.set(nil, for: record.holder)
    (record.reason, record.holder) = (0, 0)
    record.state = .done
    records[Int(slot)] = record
    index.remove(ids[Int(slot)].hashValue, slot)
    free.append(slot)
    count -= 1
  }

  mutating func setDeadline(_ deadline: Instant, of slot: Slot) {
    holders.setDeadline(deadline, of: records[Int(slot)].holder)
  }

  /// Gives back the memory of jobs that were in it; for an empty table.
  mutating func shrink() {
    let lanes = lanes
    self = JobTable()
    self.lanes = lanes
  }

  private static func holder(of job: Job) -> Holders.Holder? {
    if job.lease == nil, job.ackEpoch == 0 { return nil }
    return Holders.Holder(
      ackEpoch: job.ackEpoch,
      lease: job.lease.map {
        Holders.Lease(
          executor: $0.leader.executor, epoch: $0.leader.epoch, duration: $0.duration, deadline: $0.deadline)
      })
  }
}
