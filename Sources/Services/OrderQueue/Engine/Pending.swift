import Synchronization

/// An answer that must not leave before its change is on disk. One waiter; resolved once.
package final class Pending<Value: Sendable>: Sendable {
  private enum State {
    /// Can turn into waiting, resolved.
    case open
    /// Can turn into resolved.
    case waiting(@Sendable (Result<Value, any Error>) -> Void)
    /// Final.
    case resolved(Result<Value, any Error>)
  }

  private let state = Mutex(State.open)

  init() {}

  /// An answer that needs nothing from the disk.
  init(_ result: Result<Value, any Error>) { state.withLock { $0 = .resolved(result) } }

  func resolve(_ result: Result<Value, any Error>) {
    let waiter: (@Sendable (Result<Value, any Error>) -> Void)? = state.withLock { state in
      switch state {
      case .open:
        state = .resolved(result)
        return nil
      case .waiting(let waiter):
        state = .resolved(result)
        return waiter
      case .resolved: return nil
      }
    }
    waiter?(result)
  }

  /// Calls `body` once: at once where the result is known, otherwise on the thread that resolves it.
  package func whenResolved(_ body: @escaping @Sendable (Result<Value, any Error>) -> Void) {
    let result: Result<Value, any Error>? = state.withLock { state in
      if case .resolved(let result) = state { return result }
      state = .waiting(body)
      return nil
    }
    if let result { body(result) }
  }

  package var value: Value {
    get async throws {
      try await withCheckedThrowingContinuation { continuation in
        whenResolved { continuation.resume(with: $0) }
      }
    }
  }
}

extension Pending {
  static func failure(_ error: any Error) -> Pending { Pending(.failure(error)) }
}
