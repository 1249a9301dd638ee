import GRDB
import Synchronization

/// The last sequence that was given to an outcome. Sequences have no gaps and are never given twice, also
/// when retention has taken all outcomes away.
final class OutcomeCounter: Sendable {
  /// Nil: to be read from the disk.
  private let last = Mutex<Int64?>(nil)

  /// On the writer, in the transaction that uses it.
  func next(_ db: Database) throws -> Int64 {
    try last.withLock { last in
      let next = try (last ?? Self.latest(db)) + 1
      last = next
      return next
    }
  }

  /// A transaction was rolled back.
  func forget() { last.withLock { $0 = nil } }

  /// 0 when none was given.
  static func latest(_ db: Database) throws -> Int64 {
    let kept = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM outcomes") ?? 0
    return max(kept, try Int64.fetchOne(db, sql: "SELECT last_outcome FROM pruned") ?? 0)
  }
}
