import CoreTime
import GRDB
import OrderDomain
import PriorityQueue

/// Forgets what retention no longer asks for.
///
/// Goes along the outcomes, which stand in the order in which they happened, so that no index has to be kept up
/// for it on the hot path, and an order that is not finished is simply passed by.
enum Pruning {
  static func run(_ cut: RetentionClock.Cut, excess: Int, limit: Int, _ db: Database) throws -> Pruned {
    var pruned = Pruned()
    var last: Int64 = 0
    var finished: [JobState: Int] = [:]
    let rows = try Row.fetchAll(
      try db.cachedStatement(
        sql: "SELECT sequence, order_id, kind, at_ms FROM outcomes ORDER BY sequence LIMIT ?"),
      arguments: [limit])
    for row in rows {
      // Stamps may go back when the clock was set: whatever stands behind one that is not old waits for it.
      let isOld = cut.isOld(UInt64(clamping: row[0] as Int64), stamp: Timestamp(milliseconds: row[3]))
      if !isOld, pruned.orders >= excess { break }
      last = row[0]
      pruned.outcomes += 1
      guard let state = StoredOutcome.Kind(rawValue: row[2])?.finalState else { continue }
      if try forget(row[1], state, db) {
        pruned.orders += 1
        finished[state, default: 0] += 1
      }
    }
    if pruned.outcomes == 0 { return pruned }
    try db.cachedStatement(sql: "DELETE FROM outcomes WHERE sequence <= ?").execute(arguments: [last])
    try db.cachedStatement(
      sql: """
        UPDATE pruned SET done = done + ?, cancelled = cancelled + ?, expired = expired + ?,
          last_outcome = max(last_outcome, ?)
        """
    ).execute(arguments: [
      finished[.done] ?? 0, finished[.cancelled] ?? 0, finished[.expired] ?? 0, last,
    ])
    return pruned
  }

  private static func forget(_ id: String, _ state: JobState, _ db: Database) throws -> Bool {
    let sequence = try Int64.fetchOne(
      try db.cachedStatement(
        sql: "DELETE FROM jobs WHERE order_id = ? AND state = ? RETURNING sequence"),
      arguments: [id, state.rawValue])
    guard let sequence else { return false }
    try db.cachedStatement(sql: "UPDATE pruned SET last_sequence = max(last_sequence, ?)")
      .execute(arguments: [sequence])
    return true
  }
}

extension StoredOutcome.Kind {
  /// The state that this outcome is the end in.
  fileprivate var finalState: JobState? {
    switch self {
    case .executed: .done
    case .cancelled: .cancelled
    case .expired: .expired
    case .executing, .returned, .failed, .kicked: nil
    }
  }
}
