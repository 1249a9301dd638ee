import Synchronization

/// A value that becomes known once: what waits for it is resumed then, and what asks later gets it at once.
package final class Latch<Value: Sendable>: Sendable {
  private struct State {
    var result: Result<Value, any Error>?
    var waiters: [CheckedContinuation<Value, any Error>] = []
  }

  private let state = Mutex(State())

  package init() {}

  /// Only the first call counts.
  package func resolve(_ result: Result<Value, any Error>) {
    let waiters = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
      guard state.result == nil else { return [] }
      state.result = result
      defer { state.waiters = [] }
      return state.waiters
    }
    waiters.forEach { $0.resume(with: result) }
  }

  package var value: Value {
    get async throws {
      try await withCheckedThrowingContinuation { continuation in
        let known = state.withLock { state in
          if state.result == nil { state.waiters.append(continuation) }
          return state.result
        }
        if let known { continuation.resume(with: known) }
      }
    }
  }
}
