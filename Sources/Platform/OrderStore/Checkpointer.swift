import CoreTime
import DaemonKit
import GRDB
import Logging
import Synchronization

/// Keeps the write-ahead log short without making commits wait (sqlite.org/wal.html, "Avoiding Excessively Large WAL
/// Files").
///
/// SQLite's own checkpoint runs inside a commit, which then takes as long as the copying. Here a second connection
/// copies while the writer goes on (PASSIVE takes no lock that a writer needs). Under steady load such a copy never
/// catches up with the end of the log, so at `limit` the writer copies the small rest itself and starts the log anew.
final class Checkpointer: Sendable {
  /// Frames of 4 KiB from which the log is started anew: 64 MiB.
  static let limit = 16_384
  /// Its length then: a header, and frames with a header each (sqlite.org/fileformat2.html#walformat).
  static let longest = 32 + limit * (4_096 + 24)
  /// Milliseconds for which the writer waits for readers of the log.
  static let patience = 20
  /// Between two copies while changes come.
  static let period: Duration = .seconds(1)
  /// What every connection of a store is set to.
  static let settings = """
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864;
    """

  private struct State {
    var last: Instant
    var isCopying = false
    var isLong = false
    var isClosed = false
  }

  private let queue: DatabaseQueue
  private let clocks: Clocks
  private let logger: Logger
  private let state: Mutex<State>
  private let space: LogSpace

  init(path: String, context: DaemonContext) throws {
    var configuration = Configuration()
    configuration.busyMode = .immediateError
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA synchronous = FULL;" + Checkpointer.settings)
    }
    queue = try DatabaseQueue(path: path, configuration: configuration)
    clocks = context.clocks
    logger = context.logger
    space = LogSpace(path: path, limit: Self.longest, logger: context.logger)
    // Due at once: what a crash left behind is not to grow through many short lives.
    state = Mutex(State(last: context.clocks.now() - Self.period))
  }

  /// The writer has committed; `writer` is its connection, outside a transaction.
  func committed(on writer: Database) {
    space.committed()
    let now = clocks.now()
    let (isDue, isLong) = state.withLock { state in
      let isLong = state.isLong
      state.isLong = false
      let isDue = !isLong && !state.isCopying && !state.isClosed && now - state.last >= Self.period
      if isDue { (state.isCopying, state.last) = (true, now) }
      return (isDue, isLong)
    }
    if isLong { startAnew(writer) }
    if isDue { queue.asyncWriteWithoutTransaction { [self] db in copy(db) } }
  }

  func close() throws {
    state.withLock { $0.isClosed = true }
    try queue.close()
  }

  private func copy(_ db: Database) {
    var frames = 0
    do {
      frames = try db.checkpoint(.passive).walFrameCount
    } catch {
      // The log only grows meanwhile; what it cannot hold, a commit will say.
      logger.debug("A checkpoint was not possible now.", metadata: ["reason": "\(error)"])
    }
    state.withLock { state in
      state.isCopying = false
      state.isLong = frames >= Self.limit
    }
  }

  /// Waits for readers of the log as long as a commit may be late, not for one that lasts, as a backup does; the next
  /// copy asks again. The file keeps its length, so that a flush of it has no new length to write.
  private func startAnew(_ writer: Database) {
    do {
      let usual = try Int.fetchOne(writer, sql: "PRAGMA busy_timeout") ?? 0
      try writer.execute(sql: "PRAGMA busy_timeout = \(Self.patience)")
      let outcome = Result { try writer.checkpoint(.restart) }
      try writer.execute(sql: "PRAGMA busy_timeout = \(usual)")
      _ = try outcome.get()
    } catch {
      logger.debug("The log could not be started anew now.", metadata: ["reason": "\(error)"])
    }
  }
}
