import OrderDomain
import PriorityQueue
import Synchronization
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the rows that were written last hold and the machine does not know. An order that is leased as it comes in and
/// is acknowledged soon needs no reading of its own row.
///
/// For the one thread that writes. What is kept is what its transactions left behind, so a transaction that is rolled
/// back takes all of it away (`forget`).
final class RecentRows: Sendable {
  struct Row: Sendable {
    var state: JobState
    var clock: VectorClock
    var executor: Int?
    var epoch: Epoch
    /// Nil where it is not kept, though the row may have one.
    var body: Data?
  }

  /// Rows, and bytes of their bodies; beyond either all are forgotten.
  static let limit = (rows: 4_096, bytes: 8 << 20)

  private struct State {
    var rows: [UInt64: Row] = [:]
    var bytes = 0
  }

  private let state = Mutex(State())

  func keep(_ row: Row, of sequence: UInt64) {
    state.withLock { state in
      state.bytes += row.body?.count ?? 0
      if state.rows.count >= Self.limit.rows || state.bytes > Self.limit.bytes {
        state = State(bytes: row.body?.count ?? 0)
      }
      state.rows[sequence] = row
    }
  }

  /// Takes it out: whoever changes the row keeps what it is then.
  func take(_ sequence: UInt64) -> Row? {
    state.withLock { state in
      let row = state.rows.removeValue(forKey: sequence)
      state.bytes -= row?.body?.count ?? 0
      return row
    }
  }

  func forget() { state.withLock { $0 = State() } }
}
