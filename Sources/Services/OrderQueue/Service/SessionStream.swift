import GRPCCore
import OrderDomain
import OrderProtos
import OrderWire
import PriorityQueue
import SwiftProtobuf
import VectorClock

extension OrderQueueProvider {
  typealias AnswerFrame = @Sendable () async -> [Ordersd_V1_QueueAnswer]

  /// Messages that are taken before the first of them is answered.
  private static let framesInFlight = 16

  func session(
    request: RPCAsyncSequence<Ordersd_V1_QueueSessionRequest, any Error>,
    response: RPCWriter<Ordersd_V1_QueueSessionReply>, context: ServerContext
  ) async throws {
    let frames = Pipe<AnswerFrame>(limit: Self.framesInFlight)
    try await exchange(pipe: frames) {
      for try await message in request {
        try limitFrame(message.calls.count)
        if await !frames.send(await take(message.calls)) { return }
      }
    } write: {
      while let batch = await frames.next(atMost: Self.framesInFlight) {
        for frame in batch {
          let answers = await frame()
          for message in answers.messages(size: \.roughSize) {
            try await response.write(.with { $0.answers = Array(message) })
          }
        }
      }
    }
  }

  /// Runs a stream's reader and writer until both are done; the end of the writer ends the reader, the end of
  /// the reader lets the writer finish what waits. A cancelled call ends both, as does the stop of the queue.
  func exchange<Element>(
    pipe: Pipe<Element>, read: @escaping @Sendable () async throws -> Void,
    write: @escaping @Sendable () async throws -> Void
  ) async throws {
    let stream = try engine.subscriptions.open { pipe.finish() }
    defer { engine.subscriptions.close(stream) }
    try await withRPCCancellationHandler {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
          try await read()
          // Only here: were the writer let go by a reader that failed, it could end before the failure is
          // seen.
          pipe.finish()
          return false
        }
        group.addTask {
          try await write()
          return true
        }
        while let isWriter = try await group.next() {
          guard isWriter else { continue }
          group.cancelAll()
          return
        }
      }
    } onCancelRPC: {
      pipe.finish()
    }
  }

  func limitFrame(_ count: Int) throws {
    guard count <= QueueLimit.callsPerFrame else {
      throw ServiceError(
        .invalidArgument,
        "at most \(QueueLimit.callsPerFrame) calls in one message, not \(count); send several")
    }
  }

  /// One call of a message, decoded.
  private enum Call: Sendable {
    case enqueue(EnqueueCommand)
    case cancel(OrderID, VectorClock, reason: String)
    case peek(OrderID)
  }

  private typealias Answer = @Sendable () async -> Ordersd_V1_QueueAnswer

  /// Takes the calls in their order and in one transaction; the frame answers when all are durable.
  private func take(_ calls: [Ordersd_V1_QueueCall]) async -> AnswerFrame {
    let decoded = calls.map { call in (id: call.correlationID, call: Result { try decode(call) }) }
    let ids = decoded.compactMap { entry in
      if case .success(.enqueue(let command)) = entry.call { command.job.id } else { nil }
    }
    let recalled: Result<[OrderID: StoredJob], any Error>
    do { recalled = .success(try await engine.recall(ids)) } catch { recalled = .failure(error) }
    let taken = await engine.together { engine in
      decoded.map { entry in take(entry.call, entry.id, recalled, on: engine) }
    }
    return {
      var answers: [Ordersd_V1_QueueAnswer] = []
      answers.reserveCapacity(taken.count)
      // From the last, which is durable last: then nobody waits again for those before it.
      for answer in taken.reversed() { answers.append(await answer()) }
      answers.reverse()
      return answers
    }
  }

  private func decode(_ call: Ordersd_V1_QueueCall) throws -> Call {
    switch call.call {
    case .enqueue(let request): .enqueue(try EnqueueCommand(request))
    case .cancel(let request):
      .cancel(
        try OrderID(wire: request.orderID), try VectorClock(request.clock, count: QueueLimit.clockCount),
        reason: try shortText(request.reason, "reason"))
    case .peek(let request): .peek(try OrderID(wire: request.orderID))
    case nil: throw ServiceError(.invalidArgument, "call: one of enqueue, cancel and peek must be set")
    }
  }

  private func take(
    _ call: Result<Call, any Error>, _ id: UInt64, _ recalled: Result<[OrderID: StoredJob], any Error>,
    on engine: isolated QueueEngine
  ) -> Answer {
    do {
      switch try call.get() {
      case .enqueue(let command):
        let pending = engine.enqueue(command, recalled: try recalled.get()[command.job.id])
        return { await answer(id) { $0.enqueue = try await pending.value.message } }
      case .cancel(let order, let clock, let reason):
        let pending = engine.cancel(order, clock: clock, reason: reason)
        return { await answer(id) { $0.cancel = try await pending.value.message } }
      case .peek(let order):
        return { await answer(id) { $0.peek = try await peek(order).peekReply } }
      }
    } catch {
      let answer = refusal(id, error)
      return { answer }
    }
  }

  private func answer(
    _ id: UInt64, _ fill: (inout Ordersd_V1_QueueAnswer) async throws -> Void
  ) async -> Ordersd_V1_QueueAnswer {
    var answer = Ordersd_V1_QueueAnswer()
    answer.correlationID = id
    do {
      try await fill(&answer)
      return answer
    } catch {
      return refusal(id, error)
    }
  }

  private func refusal(_ id: UInt64, _ error: any Error) -> Ordersd_V1_QueueAnswer {
    .with {
      $0.correlationID = id
      $0.error = ServiceError(answer: error).callError
    }
  }
}
