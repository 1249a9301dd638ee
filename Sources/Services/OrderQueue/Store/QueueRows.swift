import CoreTime
import GRDB
import OrderDomain
import OrderProtos
import OrderWire
import PriorityQueue
import SwiftProtobuf
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What was bought, as it stands in a column: the message `Basket`.
enum BasketBytes {
  static func encode(_ basket: [OrderItem]) throws -> Data { try Ordersd_V1_Basket(basket).serializedData() }

  static func decode(_ bytes: Data) throws -> [OrderItem] {
    try Ordersd_V1_Basket(serializedBytes: bytes).orderItems
  }
}

/// Reads and writes the rows of `QueueSchema`.
enum QueueRows {
  private static let columns = """
    sequence, order_id, lane, priority, state, attempts, enqueued_ms, ready_ms, expires_ms, executor, epoch,
    lease_ms, ack_epoch, reason, clock
    """

  static func job(_ id: OrderID, _ db: Database) throws -> StoredJob? {
    let statement = try db.cachedStatement(sql: "SELECT \(columns) FROM jobs WHERE order_id = ?")
    return try Row.fetchOne(statement, arguments: [id.description]).map(stored)
  }

  static func body(_ id: OrderID, _ db: Database) throws -> Data? {
    let statement = try db.cachedStatement(
      sql: "SELECT body FROM bodies WHERE sequence = (SELECT sequence FROM jobs WHERE order_id = ?)")
    return try Data.fetchOne(statement, arguments: [id.description])
  }

  static func list(state: JobState?, after: OrderID?, limit: Int, _ db: Database) throws -> [StoredJob] {
    // Not as an argument: the index of those set aside is only for a state that is known beforehand.
    let condition = state.map { "AND state = '\($0.rawValue)'" } ?? ""
    let statement = try db.cachedStatement(
      sql: "SELECT \(columns) FROM jobs WHERE order_id > ? \(condition) ORDER BY order_id LIMIT ?")
    return try Row.fetchAll(statement, arguments: [after?.description ?? "", limit]).map(stored)
  }

  static func outcomes(after: UInt64, limit: Int, _ db: Database) throws -> [StoredOutcome] {
    let statement = try db.cachedStatement(
      sql: """
        SELECT sequence, order_id, kind, clock, at_ms, executor, epoch, attempt, reason, basket FROM outcomes
        WHERE sequence > ? ORDER BY sequence LIMIT ?
        """)
    return try Row.fetchAll(statement, arguments: [Int64(clamping: after), limit]).map { row in
      guard let kind = StoredOutcome.Kind(rawValue: row[2]) else { throw unreadable("outcome", row[0]) }
      return StoredOutcome(
        sequence: UInt64(bitPattern: row[0] as Int64), id: try orderID(row[1]), kind: kind,
        clock: try ClockText.decode(row[3]), at: Timestamp(milliseconds: row[4]), executor: row[5],
        epoch: UInt64(bitPattern: row[6] as Int64), attempt: row[7], reason: row[8],
        basket: try (row[9] as Data?).map(BasketBytes.decode) ?? [])
    }
  }

  /// `progress`: told after every `step` orders how many of how many are read.
  static func load(_ db: Database, every step: Int, progress: (Int, Int) -> Void) throws -> LoadedQueue {
    var snapshot = JobQueue.Snapshot()
    let live = JobState.allCases.filter { !$0.isFinal }.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    let cursor = try Row.fetchCursor(db, sql: "SELECT \(columns) FROM jobs WHERE state IN (\(live))")
    let total =
      try Int.fetchOne(db, sql: "SELECT count(*) FROM jobs WHERE state IN (\(live))") ?? 0
    while let row = try cursor.next() {
      snapshot.add(try job(row))
      if snapshot.count.isMultiple(of: step) { progress(snapshot.count, total) }
    }
    return try finishLoading(snapshot, db)
  }

  private static func finishLoading(_ loaded: JobQueue.Snapshot, _ db: Database) throws -> LoadedQueue {
    var snapshot = loaded
    snapshot.leadership = try Row.fetchAll(
      db, sql: "SELECT lane, epoch, executor, incarnation, term, vacancy FROM leadership"
    ).map { row in
      LeadershipRecord(
        lane: row[0], epoch: UInt64(bitPattern: row[1] as Int64), executor: row[2],
        incarnation: UInt64(bitPattern: row[3] as Int64), term: UInt64(bitPattern: row[4] as Int64),
        vacancy: (row[5] as String?).flatMap(Vacancy.init(rawValue:)))
    }
    if let row = try Row.fetchOne(db, sql: "SELECT pause, until_ms, draining FROM gate") {
      snapshot.gate.draining = row[2]
      snapshot.gate.pause =
        switch (row[0] as String, row[1] as Int64?) {
        case ("until", let until?): .until(Timestamp(milliseconds: until))
        case ("indefinitely", _): .indefinitely
        default: .none
        }
    }
    let pruned = try Row.fetchOne(db, sql: "SELECT done, cancelled, expired, last_sequence FROM pruned")
    let (done, cancelled, expired): (Int, Int, Int) =
      pruned.map { ($0[0], $0[1], $0[2]) } ?? (0, 0, 0)
    let finished = try Finished(db)
    snapshot.done = finished.done + done
    snapshot.cancelled = finished.cancelled + cancelled
    snapshot.expired = finished.expired + expired
    let highest = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM jobs") ?? 0
    snapshot.lastSequence = UInt64(clamping: max(highest, pruned.map { $0[3] as Int64 } ?? 0))
    let greatest = try finished.greatest.map(orderID)
    return LoadedQueue(
      snapshot: snapshot, greatestFinished: greatest, pruned: done + cancelled + expired)
  }

  /// How many orders are finished, and the greatest of their ids: in one reading of the table.
  private struct Finished {
    var (done, cancelled, expired) = (0, 0, 0)
    var greatest: String?

    init(_ db: Database) throws {
      let row = try Row.fetchOne(
        db,
        sql: """
          SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'cancelled'),
            count(*) FILTER (WHERE state = 'expired'), max(order_id) FROM jobs
          WHERE state IN ('done', 'cancelled', 'expired')
          """)
      guard let row else { return }
      (done, cancelled, expired, greatest) = (row[0], row[1], row[2], row[3])
    }
  }

  static func save(_ record: LeadershipRecord, _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT OR REPLACE INTO leadership (lane, epoch, executor, incarnation, term, vacancy)
        VALUES (?, ?, ?, ?, ?, ?)
        """
    ).execute(arguments: [
      record.lane, Int64(bitPattern: record.epoch), record.executor, Int64(bitPattern: record.incarnation),
      Int64(bitPattern: record.term), record.vacancy?.rawValue,
    ])
  }

  static func save(_ gate: QueueGate, _ db: Database) throws {
    let (pause, until): (String, Int64?) =
      switch gate.pause {
      case .none: ("none", nil)
      case .indefinitely: ("indefinitely", nil)
      case .until(let end): ("until", end.milliseconds)
      }
    try db.cachedStatement(
      sql: "INSERT OR REPLACE INTO gate (id, pause, until_ms, draining) VALUES (1, ?, ?, ?)"
    )
    .execute(arguments: [pause, until, gate.draining])
  }

  private static func stored(_ row: Row) throws -> StoredJob {
    StoredJob(
      try job(row), clock: try ClockText.decode(row[14]), executor: row[9],
      epoch: UInt64(bitPattern: row[10] as Int64))
  }

  private static func job(_ row: Row) throws -> JobQueue.Job {
    let sequence: Int64 = row[0]
    guard let state = JobState(rawValue: row[4]) else { throw unreadable("job", sequence) }
    var job = JobQueue.Job(
      id: try orderID(row[1]), lane: row[2], priority: row[3], sequence: UInt64(bitPattern: sequence),
      state: state, attempts: row[5], enqueuedAt: Timestamp(milliseconds: row[6]),
      readyAt: Timestamp(milliseconds: row[7]),
      expiresAt: (row[8] as Int64?).map { Timestamp(milliseconds: $0) },
      ackEpoch: UInt64(bitPattern: row[12] as Int64), reason: row[13])
    if state == .leased {
      let leader = LeaderToken(
        lane: job.lane, executor: row[9] ?? 0, epoch: UInt64(bitPattern: row[10] as Int64))
      job.lease = JobLease(leader: leader, duration: .milliseconds(row[11] as Int64))
    }
    return job
  }

  private static func orderID(_ text: String) throws -> OrderID {
    guard let id = OrderID(text) else {
      throw StoreDivergence(description: "'\(text)' on disk is not an order id")
    }
    return id
  }

  private static func unreadable(_ what: String, _ sequence: Int64) -> StoreDivergence {
    StoreDivergence(description: "\(what) \(sequence) on disk is in a state that this version does not know")
  }
}
