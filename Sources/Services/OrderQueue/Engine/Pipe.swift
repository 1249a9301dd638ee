import Synchronization

/// A bounded, ordered hand-over to one writer.
package final class Pipe<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var isFinished = false
  }

  private let limit: Int
  private let state = Mutex(State())
  private let arrived = Wakeup()
  private let room = Wakeup()

  /// `limit`: at this many waiting elements `send` waits.
  package init(limit: Int) { self.limit = limit }

  /// Adds without waiting, for what is bounded by other means (credits). Ignored once finished.
  package func push(_ element: Element) {
    state.withLock { state in
      if !state.isFinished { state.elements.append(element) }
    }
    arrived.raise()
  }

  /// Adds when there is room; false when the pipe is finished or the task cancelled. One sender at a time.
  package func send(_ element: Element) async -> Bool {
    while !Task.isCancelled {
      let isDone: Bool? = state.withLock { state in
        if state.isFinished { return false }
        if state.elements.count >= limit { return nil }
        state.elements.append(element)
        return true
      }
      if let isDone {
        if isDone { arrived.raise() }
        return isDone
      }
      await room.wait()
    }
    return false
  }

  /// What waits, at most `maximum`; nil when finished and empty, or when the task is cancelled. One reader.
  package func next(atMost maximum: Int) async -> [Element]? {
    while !Task.isCancelled {
      let (batch, isFinished) = state.withLock { state in
        let batch = Array(state.elements.prefix(maximum))
        state.elements.removeFirst(batch.count)
        return (batch, state.isFinished)
      }
      if !batch.isEmpty {
        room.raise()
        return batch
      }
      if isFinished { return nil }
      await arrived.wait()
    }
    return nil
  }

  /// Takes no more; what waits is still handed out.
  package func finish() {
    state.withLock { $0.isFinished = true }
    arrived.finish()
    room.finish()
  }
}
