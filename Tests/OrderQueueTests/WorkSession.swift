import Foundation
import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf

/// An executor's side of a work stream.
struct WorkSession: Sendable {
  let events: AsyncThrowingStream<Ordersd_V1_WorkEvent, any Error>
  let commands: AsyncStream<[Ordersd_V1_WorkCommand]>.Continuation

  func send(_ commands: Ordersd_V1_WorkCommand...) { self.commands.yield(commands) }
}

func credits(_ count: UInt32) -> Ordersd_V1_WorkCommand {
  .with { $0.credits = .with { $0.credits = count } }
}

func eventually(_ what: String, within limit: Duration, _ condition: () async throws -> Bool) async throws {
  let started = ContinuousClock.now
  try await eventually(what, condition)
  if ContinuousClock.now - started > limit { throw TestFailure("not within \(limit): \(what)") }
}

extension RunningQueue {
  /// Opens a work stream, and closes it when `body` returns.
  @discardableResult
  func work<Result: Sendable>(
    _ epoch: UInt64, executor: UInt32, incarnation: UInt64, credits count: UInt32, held: [String]? = nil,
    _ body: @escaping @Sendable (WorkSession) async throws -> Result
  ) async throws -> Result {
    let (commands, send) = AsyncStream.makeStream(of: [Ordersd_V1_WorkCommand].self)
    send.yield([
      .with {
        $0.open = .with {
          $0.fence = fence(epoch)
          $0.executorID = executor
          $0.incarnation = incarnation
          if let held { $0.held = .with { $0.orderIds = held } }
        }
      }, credits(count),
    ])
    return try await call(within: .seconds(120)) { client, options in
      try await client.work(options: options) { writer in
        for await batch in commands { try await writer.write(.with { $0.commands = batch }) }
      } onResponse: { response in
        defer { send.finish() }
        let (events, forward) = AsyncThrowingStream.makeStream(of: Ordersd_V1_WorkEvent.self)
        return try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            do {
              for try await reply in response.messages { for event in reply.events { forward.yield(event) } }
              forward.finish()
            } catch {
              forward.finish(throwing: error)
            }
          }
          let result = try await body(WorkSession(events: events, commands: send))
          send.finish()
          group.cancelAll()
          return result
        }
      }
    }
  }
}

extension QueueCalls {
  /// Through a session, in messages of a hundred.
  func enqueueAll(
    _ orders: [(id: String, priority: UInt32)], body: Data = Data("{}".utf8)
  ) async throws {
    try await call(within: .seconds(60)) { client, options in
      try await client.session(options: options) { writer in
        for start in stride(from: 0, to: orders.count, by: 100) {
          try await writer.write(
            .with { message in
              let some = orders[start..<min(start + 100, orders.count)]
              message.calls = some.enumerated().map { index, order in
                Ordersd_V1_QueueCall.with {
                  $0.correlationID = UInt64(start + index)
                  $0.enqueue = .with {
                    $0.orderID = order.id
                    $0.priority = order.priority
                    $0.body = body
                  }
                }
              }
            })
        }
      } onResponse: { response in
        for try await message in response.messages {
          for answer in message.answers {
            guard case .enqueue = answer.answer else { throw TestFailure("refused: \(answer.error)") }
          }
        }
      }
    }
  }
}
