import CoreTime
import DaemonKit
import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization

/// One `Session` stream: calls come in, wait until they are due (at once, but for the fault hook), and what
/// is answered by then goes out in one message.
///
/// One task reads, one works and writes. When the client is slow to read, writing waits, calls pile up, and
/// from `maximumOpenCalls` on further ones are answered with `overloaded`.
final class CheckSession: Sendable {
  /// Checks that wait.
  static let maximumOpenCalls = 1_024
  /// Calls of one message.
  static let maximumCallsPerMessage = 1_024
  /// Answers that the client has not taken yet; beyond it the stream is ended.
  private static let maximumUnsentAnswers = 4_096
  /// Answers that are made before they are sent.
  private static let maximumBatch = 256

  fileprivate struct Waiting {
    let correlationID: UInt64
    let request: Ordersd_V1_CheckRequest
    let received: Instant
    let due: Instant
  }

  fileprivate enum End {
    case halfClosed
    case stopping
    case failed(any Error)
  }

  fileprivate struct State {
    /// In the order of their arrival, which is that of their being due.
    var waiting: [Waiting] = []
    var openIDs: Set<UInt64> = []
    var answers: [Ordersd_V1_CheckAnswer] = []
    var end: End?
  }

  private enum Step {
    case work([Waiting], [Ordersd_V1_CheckAnswer])
    /// Nothing to do before the time given, or before something arrives.
    case pause(until: Instant?)
    case finish((any Error)?)
  }

  private let host: CheckHost
  private let state = Mutex(State())
  /// Something has changed; one pending signal stands for any number of changes.
  private let (changes, changed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  private let (alarms, alarm) = AsyncStream.makeStream(of: Instant.self, bufferingPolicy: .bufferingNewest(1))

  init(host: CheckHost) { self.host = host }

  func run(
    _ request: RPCAsyncSequence<Ordersd_V1_CheckSessionRequest, any Error>,
    _ response: RPCWriter<Ordersd_V1_CheckSessionReply>, _ cancellation: ServerContext.RPCCancellationHandle
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      // The other tasks have nothing to do once the last answer is written, or cannot be.
      defer { group.cancelAll() }
      group.addTask { await self.read(request) }
      group.addTask { await self.stop(on: cancellation) }
      if host.faultDelay > .zero { group.addTask { await self.ring() } }
      try await work(response)
    }
  }

  private func read(_ request: RPCAsyncSequence<Ordersd_V1_CheckSessionRequest, any Error>) async {
    do {
      for try await message in request { try accept(message.calls) }
      end(.halfClosed)
    } catch {
      end(.failed(error))
    }
  }

  /// gRPC tells through the handle that the client is gone or that the server stops.
  private func stop(on cancellation: ServerContext.RPCCancellationHandle) async {
    do {
      try await cancellation.cancelled
      end(.stopping)
    } catch {
      // This task was cancelled: the stream has ended by itself.
    }
  }

  private func ring() async {
    for await due in alarms {
      let rest = due - host.context.clocks.now()
      if rest > .zero {
        do { try await Task.sleep(for: rest) } catch { return }
      }
      changed.yield()
    }
  }

  private func work(_ response: RPCWriter<Ordersd_V1_CheckSessionReply>) async throws {
    for await _ in changes {
      var isBusy = true
      while isBusy {
        switch next(now: host.context.clocks.now()) {
        case .work(let calls, let done):
          let answers =
            done
            + calls.map { call in
              answer(call.correlationID) { .check(try host.check(call.request, received: call.received)) }
            }
          for message in answers.messages(size: \.roughSize) {
            try await response.write(.with { $0.answers = Array(message) })
          }
        case .pause(let due):
          if let due { alarm.yield(due) }
          isBusy = false
        case .finish(let error):
          if let error { throw error }
          return
        }
      }
    }
  }

  private func next(now: Instant) -> Step {
    state.withLock { state in
      var failure: (any Error)?
      switch state.end {
      case .failed(let error): return .finish(error)
      case .stopping:
        let stopping = ServiceError(.stopping, "this service is stopping")
        state.drop(stopping) { $0.due > now }
        failure = stopping
      case .halfClosed, nil: break
      }
      let due = Array(state.waiting.prefix(Self.maximumBatch).prefix { $0.due <= now })
      state.waiting.removeFirst(due.count)
      due.forEach { state.openIDs.remove($0.correlationID) }
      let done = Array(state.answers.prefix(Self.maximumBatch - due.count))
      state.answers.removeFirst(done.count)
      if !due.isEmpty || !done.isEmpty { return .work(due, done) }
      if state.end != nil, state.waiting.isEmpty { return .finish(failure) }
      return .pause(until: state.waiting.first?.due)
    }
  }

  private func end(_ end: End) {
    state.withLock { state in
      switch state.end {
      // A client that has half-closed the stream can still go away before it has its answers.
      case nil, .halfClosed: state.end = end
      case .stopping, .failed: break
      }
    }
    changed.yield()
  }

  /// Throws what the stream must end with.
  private func accept(_ calls: [Ordersd_V1_CheckCall]) throws {
    guard calls.count <= Self.maximumCallsPerMessage else {
      throw ServiceError(
        .invalidArgument, "calls: at most \(Self.maximumCallsPerMessage) in one message, not \(calls.count)")
    }
    let now = host.context.clocks.now()
    for call in calls {
      let id = call.correlationID
      switch call.call {
      case .check(let request): accept(request, id, now)
      case .settle(let request):
        // Its results are not wanted any more, and would bring the order's clock back.
        drop(request.orderID)
        let answer = answer(id) { .settle(try host.settle(request)) }
        state.withLock { $0.answers.append(answer) }
      case .cancel(let request): drop(request.orderID)
      case nil:
        refuse(id, ServiceError(.invalidArgument, "call: must be one of check, settle and cancel"))
      }
    }
    changed.yield()
    guard state.withLock({ $0.answers.count }) <= Self.maximumUnsentAnswers else {
      throw ServiceError(.overloaded, "the answers of this stream are not being read")
    }
  }

  private func accept(_ request: Ordersd_V1_CheckRequest, _ id: UInt64, _ now: Instant) {
    let refusal: ServiceError? = state.withLock { state in
      guard state.waiting.count < Self.maximumOpenCalls else {
        return ServiceError(
          .overloaded, "\(Self.maximumOpenCalls) calls of this stream wait already",
          retryAfter: .milliseconds(100))
      }
      guard state.openIDs.insert(id).inserted else {
        return ServiceError(.invalidArgument, "correlation_id: \(id) belongs to a call that is still open")
      }
      state.waiting.append(
        Waiting(correlationID: id, request: request, received: now, due: now + host.faultDelay))
      return nil
    }
    if let refusal { refuse(id, refusal) }
  }

  private func drop(_ order: String) {
    state.withLock { state in
      if state.waiting.isEmpty { return }
      state.drop(ServiceError(.cancelled, "the order's check was cancelled")) { $0.request.orderID == order }
    }
  }

  private func refuse(_ id: UInt64, _ error: ServiceError) {
    host.tally.countRefusal()
    state.withLock { $0.answers.append(refusal(id, error)) }
  }

  private func answer(
    _ id: UInt64, _ body: () throws -> Ordersd_V1_CheckAnswer.OneOf_Answer
  ) -> Ordersd_V1_CheckAnswer {
    do {
      let answer = try body()
      return .with {
        $0.correlationID = id
        $0.answer = answer
      }
    } catch {
      host.tally.countRefusal()
      return refusal(id, error as? ServiceError ?? ServiceError(.internal, "the check cannot be carried out"))
    }
  }
}

extension CheckSession.State {
  /// Answers the waiting calls that `predicate` picks with `error`.
  fileprivate mutating func drop(_ error: ServiceError, where predicate: (CheckSession.Waiting) -> Bool) {
    waiting.removeAll { call in
      guard predicate(call) else { return false }
      openIDs.remove(call.correlationID)
      answers.append(refusal(call.correlationID, error))
      return true
    }
  }
}

private func refusal(_ id: UInt64, _ error: ServiceError) -> Ordersd_V1_CheckAnswer {
  .with {
    $0.correlationID = id
    $0.error = .with {
      $0.code = error.code.rawValue
      $0.message = error.message
      $0.retryable = error.isRetryable
    }
  }
}
