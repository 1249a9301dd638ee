import OrderWire
import Synchronization

/// The open streams: who waits for outcomes, and how each stream is ended when the queue stops.
package final class Subscriptions: Sendable {
  private struct State {
    var next: UInt64 = 1
    var ends: [UInt64: @Sendable () -> Void] = [:]
    var watchers: [UInt64: Wakeup] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())

  package init() {}

  /// Throws `overloaded` when too many streams are open, `stopping` when the queue stops.
  func open(watcher: Wakeup? = nil, end: @escaping @Sendable () -> Void) throws -> UInt64 {
    try state.withLock { state in
      if state.isClosed {
        throw ServiceError(.stopping, "the order queue is stopping", retryAfter: .seconds(1))
      }
      guard state.ends.count < QueueLimit.streams else {
        throw ServiceError(
          .overloaded, "at most \(QueueLimit.streams) streams can be open; close some",
          retryAfter: .seconds(5))
      }
      let id = state.next
      state.next += 1
      state.ends[id] = end
      state.watchers[id] = watcher
      return id
    }
  }

  func close(_ id: UInt64) {
    state.withLock { state in
      state.ends[id] = nil
      state.watchers[id] = nil
    }
  }

  /// There are new outcomes on disk.
  func outcomesGrew() {
    let watchers = state.withLock { Array($0.watchers.values) }
    for watcher in watchers { watcher.raise() }
  }

  /// Ends all streams; no new one is opened.
  func closeAll() {
    let ends = state.withLock { state in
      state.isClosed = true
      return Array(state.ends.values)
    }
    for end in ends { end() }
  }
}
