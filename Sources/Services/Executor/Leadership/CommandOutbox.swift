import GRPCCore
import OrderProtos
import SwiftProtobuf
import Synchronization

/// What waits to be sent on one work stream. Whatever has gathered while a message was written travels in the
/// next.
///
/// Bounded by its users: each order has one outcome waiting, and a touch only every half lease.
final class CommandOutbox: Sendable {
  /// Commands in one message; the queue takes no more.
  private static let batch = 256
  private let waiting = Mutex<[Ordersd_V1_WorkCommand.OneOf_Command]>([])
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  init() { (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  func append(_ command: Ordersd_V1_WorkCommand.OneOf_Command) {
    waiting.withLock { $0.append(command) }
    wake.yield()
  }

  /// Sends until `finish`, or until the stream breaks.
  func send(to writer: RPCWriter<Ordersd_V1_WorkRequest>) async throws {
    for await _ in wakes {
      while case let batch = takeBatch(), !batch.isEmpty {
        try await writer.write(
          .with { request in request.commands = batch.map { command in .with { $0.command = command } } })
      }
    }
  }

  func finish() { wake.finish() }

  private func takeBatch() -> [Ordersd_V1_WorkCommand.OneOf_Command] {
    waiting.withLock { waiting in
      let batch = Array(waiting.prefix(Self.batch))
      waiting.removeFirst(batch.count)
      return batch
    }
  }
}
