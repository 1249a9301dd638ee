import Synchronization

/// A wake-up that is remembered until it is taken, for one waiter at a time.
package final class Wakeup: Sendable {
  private struct State {
    var isRaised = false
    var isFinished = false
    var waiter: CheckedContinuation<Void, Never>?

    mutating func release() -> CheckedContinuation<Void, Never>? {
      defer { waiter = nil }
      return waiter
    }
  }

  private let state = Mutex(State())

  package init() {}

  package func raise() {
    let waiter = state.withLock { state in
      if state.waiter == nil { state.isRaised = true }
      return state.release()
    }
    waiter?.resume()
  }

  /// From now on nobody waits here.
  package func finish() {
    let waiter = state.withLock { state in
      state.isFinished = true
      return state.release()
    }
    waiter?.resume()
  }

  package var isFinished: Bool { state.withLock { $0.isFinished } }

  /// Returns once it was raised or finished, or when the task is cancelled.
  package func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          if state.isRaised || state.isFinished || Task.isCancelled {
            state.isRaised = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.release() }?.resume()
    }
  }

  package func wait(atMost limit: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      // Cancelled when the other one was first.
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }
}
