import CoreTime
import GRDB
import OrderDomain
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

  let db: Database
  let step: StoreStep
  private var received: Set<OrderID> = []
  private var receipt = StepReceipt()

  init(db: Database, step: StoreStep) {
    self.db = db
    self.step = step
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
    try db.cachedStatement(
      sql: """
        INSERT INTO jobs (sequence, order_id, lane, priority, state, attempts, enqueued_ms, ready_ms,
          expires_ms, reason, clock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      Int64(bitPattern: job.sequence), job.id.description, job.lane, job.priority, job.state.rawValue,
      job.attempts, job.enqueuedAt.milliseconds, job.readyAt.milliseconds, job.expiresAt?.milliseconds,
      job.reason, try ClockText.encode(clock),
    ])
    if let body = step.bodies[job.id] {
      let basket = try step.baskets[job.id].map(BasketBytes.encode)
      try db.cachedStatement(sql: "INSERT INTO bodies (sequence, body, basket) VALUES (?, ?, ?)")
        .execute(arguments: [Int64(bitPattern: job.sequence), body, basket])
    }
    receipt.jobs[job.id] = StoredJob(job, clock: clock, executor: nil, epoch: 0)
  }

  private mutating func update(_ job: JobQueue.Job, from: JobState, cause: ChangeCause) throws {
    let sequence = Int64(bitPattern: job.sequence)
    let before = try Row.fetchOne(
      try db.cachedStatement(sql: "SELECT clock, executor, epoch FROM jobs WHERE sequence = ? AND state = ?"),
      arguments: [sequence, from.rawValue])
    guard let before else {
      throw StoreDivergence(description: "order \(job.id) is not \(from.rawValue) on disk")
    }
    var clock = try ClockText.decode(before[0])
    if cause != .due { advance(&clock, of: job.id) }
    let executor: Int? = job.lease?.leader.executor ?? before[1]
    let epoch = job.lease?.leader.epoch ?? UInt64(bitPattern: before[2] as Int64)
    try db.cachedStatement(
      sql: """
        UPDATE jobs SET state = ?, attempts = ?, ready_ms = ?, executor = ?, epoch = ?, lease_ms = ?,
          ack_epoch = ?, reason = ?, clock = ? WHERE sequence = ?
        """
    ).execute(arguments: [
      job.state.rawValue, job.attempts, job.readyAt.milliseconds, executor, Int64(bitPattern: epoch),
      job.lease?.duration.millisecondsClamped ?? 0, Int64(bitPattern: job.ackEpoch), job.reason,
      try ClockText.encode(clock), sequence,
    ])
    var stored = StoredJob(job, clock: clock, executor: executor, epoch: epoch)
    if job.state == .leased, step.wantsBodies { stored.body = try QueueRows.body(job.id, db) }
    var basket: Data?
    if job.state.isFinal {
      let forgotten = try Row.fetchOne(
        try db.cachedStatement(sql: "DELETE FROM bodies WHERE sequence = ? RETURNING basket"),
        arguments: [sequence])
      if job.state == .done { basket = forgotten?[0] }
    }
    receipt.jobs[job.id] = stored
    if let kind = StoredOutcome.Kind(job.state, cause: cause) { try record(kind, stored, basket) }
  }

  private mutating func record(_ kind: StoredOutcome.Kind, _ job: StoredJob, _ basket: Data?) throws {
    let reason: String? =
      switch kind {
      case .executed: step.note
      case .executing: nil
      case .returned, .failed, .cancelled, .expired, .kicked: job.reason
      }
    try db.cachedStatement(
      sql: """
        INSERT INTO outcomes (order_id, kind, clock, at_ms, executor, epoch, attempt, reason, basket)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      job.id.description, kind.rawValue, try ClockText.encode(job.clock), step.at.milliseconds, job.executor,
      Int64(bitPattern: job.epoch), job.attempts, reason, basket,
    ])
    receipt.hasOutcomes = true
  }

  /// The first change of a step is the receipt of the call's message, the others are events of our own.
  private mutating func advance(_ clock: inout VectorClock, of id: OrderID) {
    if let message = step.clocks[id], received.insert(id).inserted {
      clock.receive(message, at: Self.process)
    } else {
      clock.tick(Self.process)
    }
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
