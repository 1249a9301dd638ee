import OrderWire
import Synchronization

/// The outcomes that became durable last, in memory: two readers ask for each within milliseconds, and a reading
/// from disk costs as much as the transaction that wrote it.
final class LatestOutcomes: Sendable {
  /// Outcomes, and items in their baskets, that are kept at the most; half of it at the least once it was reached.
  static let limit = 8_192

  private struct State {
    /// Sequences without a gap.
    var outcomes: [StoredOutcome] = []
    var size = 0
  }

  private let state = Mutex(State())

  init() {}

  /// They are durable; called in the order of their sequences.
  func append(_ outcomes: [StoredOutcome]) {
    state.withLock { state in
      for outcome in outcomes {
        if let last = state.outcomes.last, outcome.sequence != last.sequence + 1 { state = State() }
        state.outcomes.append(outcome)
        state.size += Self.size(outcome)
      }
      guard state.size > Self.limit else { return }
      var surplus = 0
      while state.size > Self.limit / 2, surplus < state.outcomes.count {
        state.size -= Self.size(state.outcomes[surplus])
        surplus += 1
      }
      state.outcomes.removeFirst(surplus)
    }
  }

  /// Those after the cursor, at most `limit`; none while the reader has all of them. Nil when the disk must be asked.
  func page(after cursor: UInt64, limit: Int) -> [StoredOutcome]? {
    state.withLock { state in
      guard let first = state.outcomes.first?.sequence, cursor + 1 >= first else { return nil }
      return Array(state.outcomes.dropFirst(Int(clamping: cursor + 1 - first)).prefix(limit))
    }
  }

  func forget() { state.withLock { $0 = State() } }

  private static func size(_ outcome: StoredOutcome) -> Int { 1 + outcome.basket.count }
}

extension QueueEngine {
  /// The next page of a reader.
  nonisolated func outcomes(after cursor: UInt64) async throws -> [StoredOutcome] {
    let limit = QueueLimit.outcomePage
    if let page = latest.page(after: cursor, limit: limit) { return page }
    return try await store.outcomes(after: cursor, limit: limit)
  }
}
