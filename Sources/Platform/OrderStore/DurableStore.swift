import CoreTime
package import DaemonKit
package import GRDB
import JournalLog
import Logging
import Metrics
package import OrderWire
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One SQLite file, in WAL mode with `synchronous=FULL`, with **group commit**: while one transaction
/// commits, what arrives gathers into the next. No `commit` returns before its change is on disk.
///
/// One process writes one file. Changes are applied in the order in which `commit` was called.
package final class DurableStore: Sendable {
  /// What happens after a transaction could not be committed (disk full, I/O error).
  package enum FailureMode: Sendable {
    /// The next transaction tries again: for callers that keep nothing in memory.
    case carryOn
    /// Every commit is refused until `recover()`: for callers whose memory mirrors the file and must be
    /// read anew.
    case refuseUntilRecovered
  }

  /// A disk that takes longer for one transaction is as good as none; a slow one takes tenths of a second.
  package static let slowestCommit = Duration.seconds(10)
  /// Most changes in one transaction.
  package static let maximumBatch = 512
  /// Most changes that wait; beyond it `commit` is refused with `overloaded`.
  package static let maximumWaiting = 8_192

  /// A change that waits for its transaction.
  package struct Change: Sendable {
    let apply: @Sendable (Database) throws -> Void
    let finish: @Sendable ((any Error)?) -> Void
    /// What it throws undoes this change alone, where the failure mode is `carryOn`.
    fileprivate var failsAlone = false

    /// `apply` runs on the writer: once, or again where its transaction is repeated because another change threw when
    /// it had already written something. `finish` is called once, on the writer's thread, when the outcome
    /// is known.
    package init(
      apply: @escaping @Sendable (Database) throws -> Void, finish: @escaping @Sendable ((any Error)?) -> Void
    ) {
      self.apply = apply
      self.finish = finish
    }
  }

  private struct State {
    var waiting: [Change] = []
    var isWriting = false
    var failure: ServiceError?
    /// Why the last transaction that wrote something failed, in either failure mode.
    var trouble: ServiceError?
    var isClosed = false
    var figures = CommitFigures()
  }

  private let pool: DatabasePool
  private let checkpointer: Checkpointer
  private let failureMode: FailureMode
  private let logger: Logger
  private let state = Mutex(State())
  private let batchSizes: Metrics.Recorder
  private let commitTimes: Metrics.Timer
  private let now: @Sendable () -> Instant
  /// Turns while changes are on their way, and idles otherwise.
  private let heartbeat: Heartbeat

  /// Opens or creates the file and brings its schema up to date.
  ///
  /// Throws `StoreOpenError` for a folder that cannot be written, a file that is not a database or is
  /// damaged, and a schema that is newer than this program.
  package init(
    path: String, schema: [SchemaStep], failureMode: FailureMode, context: DaemonContext
  ) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    self.failureMode = failureMode
    logger = context.logger
    now = context.clocks.now
    batchSizes = Metrics.Recorder(label: "ordersd_store_batch_changes")
    commitTimes = Metrics.Timer(label: "ordersd_store_commit_seconds")
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
      var configuration = Configuration()
      configuration.busyMode = .timeout(2)
      configuration.prepareDatabase { db in
        // What a statement or savepoint would undo is kept in memory: in files it is written and thrown away again.
        try db.execute(sql: "PRAGMA temp_store = MEMORY;" + Checkpointer.settings)
      }
      let migrator = Self.migrator(schema)
      if FileManager.default.fileExists(atPath: path) {
        try Self.announceCheck(path, context)
        try Self.check(path, migrator)
      }
      pool = try DatabasePool(path: path, configuration: configuration)
      try Self.flushEachCommit(pool)
      try migrator.migrate(pool)
      // SQLite opens a file that it may not write for reading, and says so only at the first change.
      try pool.writeWithoutTransaction { db in try db.inTransaction(.immediate) { .rollback } }
      checkpointer = try Checkpointer(path: path, context: context)
      heartbeat = context.heartbeats.register("store-writer", longestSilence: Self.slowestCommit, idle: true)
    } catch let error as StoreOpenError {
      throw error
    } catch {
      throw StoreOpenError(path: path, cause: error)
    }
  }

  /// Makes a change durable. `body` runs on the writer, like `Change.apply`; what it throws is rethrown and undoes this
  /// change alone, or its whole transaction in the mode `refuseUntilRecovered`.
  ///
  /// Throws `ServiceError` `overloaded` when too many wait, `storage_unavailable` when the transaction
  /// failed.
  package func commit<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws
    -> Value
  {
    let box = Box<Value>()
    return try await withCheckedThrowingContinuation { continuation in
      var change = Change {
        let value = try body($0)
        box.value.withLock { $0 = value }
      } finish: { error in
        switch (error, box.value.withLock({ $0 })) {
        case (let error?, _): continuation.resume(throwing: error)
        case (nil, let value?): continuation.resume(returning: value)
        case (nil, nil):
          continuation.resume(throwing: ServiceError(.internal, "a change was not applied"))
        }
      }
      change.failsAlone = true
      submit([change])
    }
  }

  /// Reads a consistent snapshot of what is committed.
  package func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws
    -> Value
  {
    do {
      return try await pool.read(body)
    } catch let error as DatabaseError {
      throw Self.unavailable(error)
    }
  }

  /// Reads on the calling thread: for start-up only.
  package func readNow<Value>(_ body: (Database) throws -> Value) throws -> Value { try pool.read(body) }

  /// The caller has read its memory anew: commits are taken again.
  package func recover() { state.withLock { $0.failure = nil } }

  /// How many changes wait for the disk.
  package var waiting: Int { state.withLock { $0.waiting.count } }

  /// The failure that stopped the store, if any.
  package var failure: ServiceError? { state.withLock { $0.failure } }

  /// Why the last transaction failed; nil once one has written something again. For reports, in either
  /// failure mode.
  package var trouble: ServiceError? { state.withLock { $0.trouble } }

  /// Since the store was opened.
  package var figures: CommitFigures { state.withLock { $0.figures } }

  /// Waits for the last transaction and closes the file. Later commits are refused.
  package func close() throws {
    state.withLock { $0.isClosed = true }
    try pool.close()
    // Last, because the pool's last connection only reads, and the log goes with the last one that writes.
    try checkpointer.close()
    heartbeat.retire()
  }

  /// Like `commit`, for a caller that must keep the order of its calls: `body` is queued before this
  /// returns, and
  /// `completion` is called on the writer's thread when the outcome is known.
  package func submit(
    _ body: @escaping @Sendable (Database) throws -> Void,
    completion: @escaping @Sendable ((any Error)?) -> Void
  ) {
    var change = Change(apply: body, finish: completion)
    change.failsAlone = true
    submit([change])
  }

  /// As above for several at once: they are in one transaction unless they are more than `maximumBatch`. No
  /// savepoint is kept for them: what one of them throws fails all of its transaction.
  package func submit(_ changes: [Change]) {
    enum Verdict {
      case refused(ServiceError)
      case start
      case queued
    }
    let verdict: Verdict = state.withLock { state in
      if state.isClosed { return .refused(ServiceError(.stopping, "the store is closing")) }
      if let failure = state.failure { return .refused(failure) }
      if state.waiting.count >= Self.maximumWaiting {
        return .refused(
          ServiceError(.overloaded, "too many changes wait for the disk", retryAfter: .seconds(1)))
      }
      state.waiting += changes
      if state.isWriting { return .queued }
      state.isWriting = true
      // From here on, so that a writer that never begins is missed, too.
      _ = heartbeat.beatUnlessWedged()
      return .start
    }
    switch verdict {
    case .refused(let error): for change in changes { change.finish(error) }
    case .start: pool.asyncWriteWithoutTransaction { [self] db in writeAll(db) }
    case .queued: break
    }
  }

  /// On the writer: one transaction after the other until nothing waits.
  private func writeAll(_ db: Database) {
    while true {
      let batch = state.withLock { state in
        let batch = Array(state.waiting.prefix(Self.maximumBatch))
        state.waiting.removeFirst(batch.count)
        if batch.isEmpty {
          state.isWriting = false
          heartbeat.idle()
        }
        return batch
      }
      if batch.isEmpty { return }
      heartbeat.beat()
      if write(batch, db) { checkpointer.committed(on: db) }
    }
  }

  /// Whether it was committed.
  private func write(_ batch: [Change], _ db: Database) -> Bool {
    let started = now()
    let changesBefore = db.totalChangesCount
    var outcomes: [(any Error)?] = []
    do {
      do {
        outcomes = try apply(batch, withSavepoints: false, db)
      } catch is HalfDone {
        outcomes = try apply(batch, withSavepoints: true, db)
      }
    } catch {
      fail(batch, Self.unavailable(error))
      return false
    }
    // A transaction without changes commits on a full disk too.
    if db.totalChangesCount != changesBefore { recovered() }
    batchSizes.record(batch.count)
    let duration = now() - started
    commitTimes.recordNanoseconds(duration.nanosecondsClamped)
    state.withLock { $0.figures.add(changes: batch.count, duration) }
    for (change, outcome) in zip(batch, outcomes) { change.finish(outcome) }
    return true
  }

  private func recovered() {
    let wasTrouble = state.withLock { state in
      defer { state.trouble = nil }
      return state.trouble != nil
    }
    if wasTrouble { logger.tell(DaemonEvent.storageRecovered) }
  }

  /// A change that fails alone has thrown when it had already written something.
  private struct HalfDone: Error {}

  /// One transaction; returns what became of each change. What throws fails all of it, and nothing is written then.
  ///
  /// A savepoint for each change would cost as much as the change; hardly any throws, and those that do, do so before
  /// they write. Where that is not so, `HalfDone` is thrown, and all are applied anew with savepoints.
  private func apply(
    _ batch: [Change], withSavepoints: Bool, _ db: Database
  ) throws -> [(any Error)?] {
    var outcomes: [(any Error)?] = []
    try inTransaction(db) {
      for change in batch {
        // Where memory mirrors the file, what stands behind was computed from what this was to do.
        let failsAlone = change.failsAlone && failureMode == .carryOn
        let before = db.totalChangesCount
        do {
          if withSavepoints, failsAlone {
            try db.inSavepoint {
              try change.apply(db)
              return .commit
            }
          } else {
            try change.apply(db)
          }
          outcomes.append(nil)
        } catch {
          guard failsAlone, (error as? DatabaseError)?.isStorageFailure != true else { throw error }
          if !withSavepoints, db.totalChangesCount != before { throw HalfDone() }
          outcomes.append(error)
        }
      }
    }
    return outcomes
  }

  /// As `Database.inTransaction(.immediate)`, which compiles its two statements anew each time.
  private func inTransaction(_ db: Database, _ body: () throws -> Void) throws {
    try db.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
    do {
      try body()
      // Fails where SQLite has rolled back by itself.
      try db.cachedStatement(sql: "COMMIT TRANSACTION").execute()
    } catch {
      if db.isInsideTransaction { try db.rollback() }
      throw error
    }
  }

  private func fail(_ batch: [Change], _ error: ServiceError) {
    logger.tell(
      DaemonEvent.storageRefused,
      metadata: [
        "changes": "\(batch.count)", "reason": "\(error.message)",
      ])
    let alsoRefused = state.withLock { state -> [Change] in
      state.trouble = error
      guard failureMode == .refuseUntilRecovered else { return [] }
      state.failure = error
      defer { state.waiting = [] }
      return state.waiting
    }
    for change in batch + alsoRefused { change.finish(error) }
  }

  private static func unavailable(_ error: any Error) -> ServiceError {
    ServiceError(
      .storageUnavailable, "the database cannot be written or read now: \(error)", retryAfter: .seconds(2))
  }

  /// `synchronous=FULL`, on the one connection that writes. Not through the configuration: GRDB sets NORMAL when
  /// it turns a pool to WAL mode, which comes after that, and with NORMAL a commit is written and not flushed.
  private static func flushEachCommit(_ pool: DatabasePool) throws {
    let level = try pool.writeWithoutTransaction { db in
      // With the pages of a whole transaction in memory; beyond that they are written before it ends, and again.
      try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384")
      return try Int.fetchOne(db, sql: "PRAGMA synchronous")
    }
    guard level == 2 else {
      throw DatabaseError(message: "PRAGMA synchronous is \(level ?? -1), not 2 (FULL)")
    }
  }

  /// The check reads the whole file; a large one on a slow disk takes longer than a service manager waits.
  private static func announceCheck(_ path: String, _ context: DaemonContext) throws {
    let bytes = Int64(try DurableFile.length(of: path))
    context.announce("checking the database (\(bytes >> 20) MiB)", .seconds(30 + bytes / slowestDisk))
  }

  /// Bytes per second.
  private static let slowestDisk: Int64 = 10_000_000

  /// `PRAGMA quick_check` (sqlite.org/pragma.html): a damaged file is refused at start, not discovered
  /// later. Through a connection that only reads, because the mere opening of a pool writes.
  private static func check(_ path: String, _ migrator: DatabaseMigrator) throws {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(2)
    let file = try DatabaseQueue(path: path, configuration: configuration)
    let (findings, isNewer) = try file.read { db in
      let findings = try String.fetchAll(db, sql: "PRAGMA quick_check(5)")
      return (findings, findings == ["ok"] ? try migrator.hasBeenSuperseded(db) : false)
    }
    try file.close()
    guard findings == ["ok"] else {
      throw StoreOpenError(path: path, problem: "is damaged: \(findings.joined(separator: "; "))")
    }
    if isNewer { throw StoreOpenError(path: path, problem: "was written by a newer version of ordersd") }
  }

  private static func migrator(_ schema: [SchemaStep]) -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for step in schema {
      migrator.registerMigration(step.name) { db in try db.execute(sql: step.sql) }
    }
    return migrator
  }
}

/// One step of a schema's history; never changed once released.
package struct SchemaStep: Sendable {
  package let name: String
  package let sql: String

  package init(_ name: String, _ sql: String) {
    self.name = name
    self.sql = sql
  }
}

/// A store could not be opened. The file is left as it is.
package struct StoreOpenError: Error, CustomStringConvertible {
  package let path: String
  package let problem: String

  init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  init(path: String, cause: any Error) {
    self.path = path
    problem =
      switch (cause as? DatabaseError)?.resultCode {
      case .SQLITE_NOTADB: "is not a SQLite database"
      case .SQLITE_CORRUPT: "is damaged"
      case .SQLITE_CANTOPEN: "cannot be opened or created; check that the folder exists and can be written"
      case .SQLITE_READONLY: "cannot be written"
      default: "cannot be opened: \(cause)"
      }
  }

  package var description: String {
    "\(path): \(problem). The file was left as it is; restore a backup, or move it away to start empty"
  }
}

extension DatabaseError {
  /// The transaction as a whole is lost: the disk is full, an I/O error, a damaged file.
  fileprivate var isStorageFailure: Bool {
    switch resultCode {
    case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY, .SQLITE_NOMEM: true
    default: false
    }
  }
}

private final class Box<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)

}
