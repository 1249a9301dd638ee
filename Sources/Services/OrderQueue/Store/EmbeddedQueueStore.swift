import CoreTime
package import DaemonKit
import GRDB
package import OrderDomain
package import OrderStore
package import PriorityQueue
import Synchronization

/// The default engine: one SQLite file with group commit.
package final class EmbeddedQueueStore: QueueStore {
  private let durable: DurableStore
  private let announce: @Sendable (String, Duration) -> Void
  private let pageLimit = Mutex<Int?>(nil)
  private let outcomeCounter = OutcomeCounter()
  private let recentRows = RecentRows()

  /// Throws `StoreOpenError`.
  package init(path: String, context: DaemonContext) throws {
    announce = context.announce
    durable = try DurableStore(
      path: path, schema: QueueSchema.steps, failureMode: .refuseUntilRecovered, context: context)
  }

  /// Bounds the file from the next write on, in pages (sqlite.org/pragma.html#pragma_max_page_count); not
  /// below its present size. Beyond it writes fail as they do on a full disk.
  package func limitSize(pages: Int) { pageLimit.withLock { $0 = pages } }

  private func applyPageLimit(_ db: Database) throws {
    let pages = pageLimit.withLock { limit in
      defer { limit = nil }
      return limit
    }
    if let pages { _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)") }
  }

  package func submit(_ steps: [SubmittedStep]) {
    durable.submit(
      steps.map { submitted in
        let receipt = Slot<StepReceipt>()
        return DurableStore.Change { [self] db in
          try applyPageLimit(db)
          var transaction = StepTransaction(
            db: db, step: submitted.step, outcomes: outcomeCounter, recent: recentRows)
          let done = try transaction.run()
          receipt.value.withLock { $0 = done }
        } finish: { [outcomeCounter, recentRows] error in
          if let error {
            // Of what was rolled back.
            outcomeCounter.forget()
            recentRows.forget()
            return submitted.completion(.failure(error))
          }
          submitted.completion(.success(receipt.value.withLock { $0 } ?? StepReceipt()))
        }
      })
  }

  /// Between two reports of a replay.
  private static let replayStep = 50_000

  package func load() async throws -> LoadedQueue {
    try await durable.read { [announce] db in
      try QueueRows.load(db, every: Self.replayStep) { done, total in
        announce("replaying orders: \(done) of \(total)", .seconds(30))
      }
    }
  }

  package func job(_ id: OrderID) async throws -> StoredJob? {
    try await durable.read { db in
      guard var job = try QueueRows.job(id, db) else { return nil }
      job.body = try QueueRows.body(id, db)
      return job
    }
  }

  package func jobs(_ ids: [OrderID]) async throws -> [StoredJob] {
    try await durable.read { db in try ids.compactMap { try QueueRows.job($0, db) } }
  }

  package func list(state: JobState?, after: OrderID?, limit: Int) async throws -> [StoredJob] {
    try await durable.read { db in try QueueRows.list(state: state, after: after, limit: limit, db) }
  }

  package func outcomes(after: UInt64, limit: Int) async throws -> [StoredOutcome] {
    try await durable.read { db in try QueueRows.outcomes(after: after, limit: limit, db) }
  }

  package func outcomeRange() async throws -> OutcomeRange {
    try await durable.read { db in
      let latest = UInt64(clamping: try OutcomeCounter.latest(db))
      let oldest = try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM outcomes")
      return OutcomeRange(oldest: oldest.map { UInt64(clamping: $0) } ?? latest + 1, latest: latest)
    }
  }

  package func oldestOutcome() async throws -> OldestOutcome? {
    try await durable.read { db in
      try Row.fetchOne(db, sql: "SELECT sequence, at_ms FROM outcomes ORDER BY sequence LIMIT 1").map {
        OldestOutcome(sequence: UInt64(clamping: $0[0] as Int64), at: Timestamp(milliseconds: $0[1]))
      }
    }
  }

  package func prune(_ cut: RetentionClock.Cut, excess: Int, limit: Int) async throws -> Pruned {
    try await durable.commit { db in try Pruning.run(cut, excess: excess, limit: limit, db) }
  }

  /// What a batch may need at once, so that one success means that more can follow.
  private static let probeSize = 262_144

  package func recover() async throws {
    durable.recover()
    try await durable.commit { [self] db in
      try applyPageLimit(db)
      try db.execute(sql: "INSERT OR REPLACE INTO probe (id, filler) VALUES (1, zeroblob(\(Self.probeSize)))")
    }
    try await durable.commit { db in try db.execute(sql: "DELETE FROM probe") }
  }

  package var commits: CommitFigures { durable.figures }

  package func close() throws { try durable.close() }
}

final class Slot<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}
