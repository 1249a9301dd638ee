import Synchronization

/// An answer that must not leave before its change is on disk. One waiter; resolved once.
package final class Pending<Value: Sendable>: Sendable {
  private enum State {
    /// Can turn into waiting, resolved.
    case open
    /// Can turn into resolved.
    case waiting(CheckedContinuation<Value, any Error>)
    /// Final.
    case resolved(Result<Value, any Error>)
  }

  private let state = Mutex(State.open)

  init() {}

  /// An answer that needs nothing from the disk.
  init(_ result: Result<Value, any Error>) { state.withLock { $0 = .resolved(result) } }

  func resolve(_ result: Result<Value, any Error>) {
    let waiter: CheckedContinuation<Value, any Error>? = state.withLock { state in
      switch state {
      case .open:
        state = .resolved(result)
        return nil
      case .waiting(let continuation):
        state = .resolved(result)
        return continuation
      case .resolved: return nil
      }
    }
    waiter?.resume(with: result)
  }

  package var value: Value {
    get async throws {
      try await withCheckedThrowingContinuation { continuation in
        let result: Result<Value, any Error>? = state.withLock { state in
          if case .resolved(let result) = state { return result }
          state = .waiting(continuation)
          return nil
        }
        if let result { continuation.resume(with: result) }
      }
    }
  }
}

extension Pending {
  static func failure(_ error: any Error) -> Pending { Pending(.failure(error)) }
}
