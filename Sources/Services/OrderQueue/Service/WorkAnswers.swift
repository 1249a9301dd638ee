package import OrderWire
import Synchronization

/// The answers to the commands of one message of a work stream. Those that are known at once go out at once, so that a
/// renewal never waits for the disk (ADR 0009); those that wait for the disk go out together.
package final class WorkAnswers: Sendable {
  package enum Outcome: Sendable {
    case answer(WorkAnswer)
    /// Ends the stream.
    case failure(ServiceError)

    /// Of a command about one order.
    package static func of<Value>(
      _ result: Result<Value, any Error>, _ answer: (Result<Value, ServiceError>) -> WorkAnswer
    ) -> Outcome {
      .answer(answer(result.mapError { ServiceError(answer: $0) }))
    }
  }

  private struct State {
    /// By the place of the command in its message; nil while the disk has it, or once it is sent.
    var outcomes: [Outcome?] = []
    var missing = 0
    var isComplete = false

    /// What is known and not sent, in the order of the commands.
    mutating func take() -> [Outcome] {
      let known = outcomes.compactMap { $0 }
      for place in outcomes.indices { outcomes[place] = nil }
      return known
    }
  }

  private let pipe: Pipe<WorkLink.Item>
  private let done: @Sendable () -> Void
  private let state = Mutex(State())

  /// `done` is called once, when all are written to the stream.
  package init(_ pipe: Pipe<WorkLink.Item>, done: @escaping @Sendable () -> Void) {
    self.pipe = pipe
    self.done = done
  }

  /// The next command's answer. Before `complete`.
  package func add<Value: Sendable>(
    _ pending: Pending<Value>, _ outcome: @escaping @Sendable (Result<Value, any Error>) -> Outcome
  ) {
    let place = state.withLock { state in
      state.outcomes.append(nil)
      state.missing += 1
      return state.outcomes.count - 1
    }
    pending.whenResolved { result in
      let last: [Outcome]? = self.state.withLock { state in
        state.outcomes[place] = outcome(result)
        state.missing -= 1
        return state.isComplete && state.missing == 0 ? state.take() : nil
      }
      if let last { self.send(last, isLast: true) }
    }
  }

  /// All commands of the message are taken.
  package func complete() {
    let (known, isLast) = state.withLock { state in
      state.isComplete = true
      return (state.take(), state.missing == 0)
    }
    send(known, isLast: isLast)
  }

  private func send(_ outcomes: [Outcome], isLast: Bool) {
    var answers: [WorkAnswer] = []
    var failure: ServiceError?
    for outcome in outcomes where failure == nil {
      switch outcome {
      case .answer(let answer): answers.append(answer)
      case .failure(let error): failure = error
      }
    }
    if answers.isEmpty {
      if isLast { done() }
    } else {
      pipe.push(.answers(answers, written: isLast ? done : nil))
    }
    if let failure { pipe.push(.failed(failure)) }
  }
}

/// How many messages of a stream are not answered, and room for so many at the most. One waits at a time.
package final class Places: Sendable {
  private let limit: Int
  private let taken = Mutex(0)
  private let left = Wakeup()

  package init(_ limit: Int) { self.limit = limit }

  /// Waits for room; false when the task is cancelled.
  package func enter() async -> Bool {
    await wait { taken in
      guard taken < self.limit else { return false }
      taken += 1
      return true
    }
  }

  package func leave() {
    taken.withLock { $0 -= 1 }
    left.raise()
  }

  /// Returns when nothing is left, or the task is cancelled.
  package func waitUntilEmpty() async { _ = await wait { $0 == 0 } }

  private func wait(_ isOver: @Sendable (inout Int) -> Bool) async -> Bool {
    while !Task.isCancelled {
      if taken.withLock({ isOver(&$0) }) { return true }
      await left.wait()
    }
    return false
  }
}
