import CoreTime
import GRDB
import OrderDomain
import OrderWire
import PriorityQueue
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The disk is not what the machine thinks it is: the machine must be read anew.
struct StoreDivergence: Error, CustomStringConvertible {
  let description: String
}

/// Applies one step's changes inside a transaction: rows, vector clocks and outcomes together.
struct StepTransaction {
  /// The queue's component of every vector clock.
  static let process = OrderQueueConfiguration.role

  private let db: Database
  private let step: StoreStep
  private let outcomes: OutcomeCounter
  private let recent: RecentRows
  private var received: Set<OrderID> = []
  private var receipt = StepReceipt()

  init(db: Database, step: StoreStep, outcomes: OutcomeCounter, recent: RecentRows) {
    self.db = db
    self.step = step
    self.outcomes = outcomes
    self.recent = recent
  }

  mutating func run() throws -> StepReceipt {
    for change in step.changes {
      switch change {
      case .inserted(let job): try insert(job)
      case .stateChanged(let job, let from, let cause): try update(job, from: from, cause: cause)
      case .leadershipChanged(let record): try QueueRows.save(record, db)
      case .gateChanged(let gate): try QueueRows.save(gate, db)
      }
    }
    for id in step.lookups where receipt.jobs[id] == nil { receipt.jobs[id] = try QueueRows.job(id, db) }
    return receipt
  }

  private mutating func insert(_ job: JobQueue.Job) throws {
    var clock = VectorClock()
    advance(&clock, of: job.id)
    var row = try HotStatement(
      db,
      """
      INSERT INTO jobs (sequence, order_id, lane, priority, state, attempts, enqueued_ms, ready_ms,
        expires_ms, reason, clock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    row.bind(job.sequence)
    row.bind(job.id.description)
    row.bind(job.lane)
    row.bind(job.priority)
    row.bind(job.state.rawValue)
    row.bind(job.attempts)
    row.bind(job.enqueuedAt.milliseconds)
    row.bind(job.readyAt.milliseconds)
    row.bind(job.expiresAt?.milliseconds)
    row.bind(job.reason)
    row.bind(try ClockText.encode(clock))
    try row.run()
    if let body = step.bodies[job.id] {
      var row = try HotStatement(db, "INSERT INTO bodies (sequence, body, basket) VALUES (?, ?, ?)")
      row.bind(job.sequence)
      row.bind(body)
      row.bind(try step.baskets[job.id].map(BasketBytes.encode))
      try row.run()
    }
    recent.keep(
      RecentRows.Row(state: job.state, clock: clock, executor: nil, epoch: 0, body: step.bodies[job.id]),
      of: job.sequence)
    receipt.jobs[job.id] = StoredJob(job, clock: clock, executor: nil, epoch: 0)
  }

  /// The row as it is, with its body where that is wanted; nil when it is not there, or in another state.
  private func before(_ job: JobQueue.Job, from: JobState) throws -> RecentRows.Row? {
    let wantsBody = job.state == .leased && step.wantsBodies
    if let row = recent.take(job.sequence), !wantsBody || row.body != nil {
      return row.state == from ? row : nil
    }
    // The state is compared here: as a condition it could make an index usable that holds only some states, and
    // SQLite would compile the statement anew for each value of it.
    var query = try HotStatement(
      db,
      wantsBody
        ? """
        SELECT state, clock, executor, epoch, body FROM jobs LEFT JOIN bodies USING (sequence)
        WHERE sequence = ?
        """ : "SELECT state, clock, executor, epoch FROM jobs WHERE sequence = ?")
    query.bind(job.sequence)
    return try query.first { row -> RecentRows.Row? in
      guard row.bytes(0, { $0.elementsEqual(from.rawValue.utf8) }) else { return nil }
      return RecentRows.Row(
        state: from, clock: try row.bytes(1) { try ClockText.decode($0) },
        executor: row.isNull(2) ? nil : Int(row.integer(2)), epoch: UInt64(bitPattern: row.integer(3)),
        body: wantsBody && !row.isNull(4) ? row.bytes(4) { Data($0) } : nil)
    } ?? nil
  }

  private mutating func update(_ job: JobQueue.Job, from: JobState, cause: ChangeCause) throws {
    guard let before = try before(job, from: from) else {
      throw StoreDivergence(description: "order \(job.id) is not \(from.rawValue) on disk")
    }
    var clock = before.clock
    if cause != .due { advance(&clock, of: job.id) }
    let clockText = try ClockText.encode(clock)
    let executor = job.lease?.leader.executor ?? before.executor
    let epoch = job.lease?.leader.epoch ?? before.epoch
    var row = try HotStatement(
      db,
      """
      UPDATE jobs SET state = ?, attempts = ?, ready_ms = ?, executor = ?, epoch = ?, lease_ms = ?,
        ack_epoch = ?, reason = ?, clock = ? WHERE sequence = ?
      """)
    row.bind(job.state.rawValue)
    row.bind(job.attempts)
    row.bind(job.readyAt.milliseconds)
    row.bind(executor.map(Int64.init))
    row.bind(epoch)
    row.bind(job.lease?.duration.millisecondsClamped ?? 0)
    row.bind(job.ackEpoch)
    row.bind(job.reason)
    row.bind(clockText)
    row.bind(job.sequence)
    try row.run()
    if !job.state.isFinal {
      // Without the body, which is not asked for again unless the order comes back.
      recent.keep(
        RecentRows.Row(state: job.state, clock: clock, executor: executor, epoch: epoch), of: job.sequence)
    }
    var stored = StoredJob(job, clock: clock, executor: executor, epoch: epoch)
    stored.body = before.body
    var basket: Data?
    if job.state.isFinal {
      var row = try HotStatement(db, "DELETE FROM bodies WHERE sequence = ? RETURNING basket")
      row.bind(job.sequence)
      let forgotten = try row.first { $0.isNull(0) ? nil : $0.bytes(0) { Data($0) } }
      if job.state == .done { basket = forgotten ?? nil }
    }
    receipt.jobs[job.id] = stored
    if let kind = StoredOutcome.Kind(job.state, cause: cause) {
      try record(kind, stored, clockText, basket)
    }
  }

  private mutating func record(
    _ kind: StoredOutcome.Kind, _ job: StoredJob, _ clockText: String, _ basket: Data?
  ) throws {
    let reason: String? =
      switch kind {
      case .executed: step.note
      case .executing: nil
      case .returned, .failed, .cancelled, .expired, .kicked: job.reason
      }
    var row = try HotStatement(
      db,
      """
      INSERT INTO outcomes (sequence, order_id, kind, clock, at_ms, executor, epoch, attempt, reason,
        basket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    let sequence = try outcomes.next(db)
    row.bind(sequence)
    row.bind(job.id.description)
    row.bind(kind.rawValue)
    row.bind(clockText)
    row.bind(step.at.milliseconds)
    row.bind(job.executor.map(Int64.init))
    row.bind(job.epoch)
    row.bind(job.attempts)
    row.bind(reason)
    row.bind(basket)
    try row.run()
    receipt.outcomes.append(
      StoredOutcome(
        sequence: UInt64(bitPattern: sequence), id: job.id, kind: kind, clock: job.clock, at: step.at,
        executor: job.executor, epoch: job.epoch, attempt: job.attempts, reason: reason,
        basket: try basket.map(BasketBytes.decode) ?? []))
  }

  /// The first change of a step is the receipt of the call's message, the others are events of our own.
  private mutating func advance(_ clock: inout VectorClock, of id: OrderID) {
    if let message = step.clocks[id], received.insert(id).inserted {
      var merged = clock
      merged.receive(message, at: Self.process)
      // Names that were made up must not add up to a clock that its readers refuse.
      if merged.entries.count <= WireLimit.clockComponents { return clock = merged }
    }
    clock.tick(Self.process)
  }
}

extension StoredJob {
  init(_ job: JobQueue.Job, clock: VectorClock, executor: Int?, epoch: Epoch) {
    self.init(
      id: job.id, lane: job.lane, priority: job.priority, state: job.state, attempts: job.attempts,
      enqueuedAt: job.enqueuedAt, readyAt: job.readyAt, executor: executor, epoch: epoch, reason: job.reason,
      clock: clock, body: nil)
  }
}
