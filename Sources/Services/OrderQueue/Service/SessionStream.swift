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
          try await response.write(.with { $0.answers = answers })
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

  /// Takes the calls in their order; the frame answers when all are durable.
  private func take(_ calls: [Ordersd_V1_QueueCall]) async -> AnswerFrame {
    let ids = calls.compactMap { call in OrderID(call.enqueue.orderID) }
    var finished: [OrderID: StoredJob] = [:]
    var readError: ServiceError?
    do {
      finished = try await engine.recall(ids)
    } catch {
      readError = ServiceError(answer: error)
    }
    var answers: [@Sendable () async -> Ordersd_V1_QueueAnswer] = []
    for call in calls {
      do {
        answers.append(try await take(call, finished, readError))
      } catch {
        let answer = refusal(call.correlationID, error)
        answers.append { answer }
      }
    }
    let taken = answers
    return {
      var done: [Ordersd_V1_QueueAnswer] = []
      for answer in taken { done.append(await answer()) }
      return done
    }
  }

  private func take(
    _ call: Ordersd_V1_QueueCall, _ finished: [OrderID: StoredJob], _ readError: ServiceError?
  ) async throws -> @Sendable () async -> Ordersd_V1_QueueAnswer {
    let id = call.correlationID
    switch call.call {
    case .enqueue(let request):
      if let readError { throw readError }
      let command = try EnqueueCommand(request)
      let pending = await engine.enqueue(command, recalled: finished[command.job.id])
      return { await answer(id) { $0.enqueue = try await pending.value.message } }
    case .cancel(let request):
      let pending = await engine.cancel(
        try OrderID(wire: request.orderID), clock: try VectorClock(request.clock),
        reason: try shortText(request.reason, "reason"))
      return { await answer(id) { $0.cancel = try await pending.value.message } }
    case .peek(let request):
      let order = try OrderID(wire: request.orderID)
      return { await answer(id) { $0.peek = try await peek(order).peekReply } }
    case nil:
      throw ServiceError(.invalidArgument, "call: one of enqueue, cancel and peek must be set")
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
