import GRPCCore
import OrderProtos
import SwiftProtobuf
import Synchronization

/// What waits to be sent on one work stream. Whatever has gathered while a message was written travels in the
/// next, and outcomes, with the credits for the next orders, gather until the queue has answered those before, as small
/// segments do in TCP (RFC 896): the queue commits them together, and would not answer sooner if they came one by one.
/// What keeps the leadership or a lease waits for nothing.
///
/// Bounded by its users: each order has one outcome waiting, and a touch only every half lease.
final class CommandOutbox: Sendable {
  typealias Command = Ordersd_V1_WorkCommand.OneOf_Command

  /// Commands in one message; the queue takes no more.
  private static let batch = 256

  private struct State {
    var waiting: [Command] = []
    /// Commands that were sent and that the queue answers with `settled`.
    var unanswered = 0
    /// Something waits that must go now, and takes all others along.
    var isUrgent = false

    var mayGo: Bool {
      !waiting.isEmpty && (isUrgent || unanswered == 0 || waiting.count >= CommandOutbox.batch)
    }
  }

  private let state = Mutex(State())
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  init() { (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  /// It goes after `flush`, with what else was appended before that: an outcome and the credit that it frees together.
  func append(_ command: Command) {
    state.withLock { state in
      state.waiting.append(command)
      if !command.canWait { state.isUrgent = true }
    }
  }

  /// The queue has answered so many commands.
  func answered(_ count: Int) {
    state.withLock { $0.unanswered = max(0, $0.unanswered - count) }
  }

  /// Sends what may go.
  func flush() {
    if state.withLock({ $0.mayGo }) { wake.yield() }
  }

  /// Sends all that waits, whatever is unanswered: the stream will not be used for long.
  func flushAll() {
    state.withLock { $0.isUrgent = true }
    flush()
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

  /// What goes in the next message; empty when nothing waits, or when it waits for an answer.
  func takeBatch() -> [Command] {
    state.withLock { state in
      guard state.mayGo else { return [] }
      let batch = Array(state.waiting.prefix(Self.batch))
      state.waiting.removeFirst(batch.count)
      state.unanswered += batch.count { $0.isAnsweredAsSettled }
      if state.waiting.isEmpty { state.isUrgent = false }
      return batch
    }
  }
}

extension Ordersd_V1_WorkCommand.OneOf_Command {
  /// Outcomes, and the credits that they free.
  fileprivate var canWait: Bool {
    switch self {
    case .ack, .nack, .credits: true
    case .open, .touch, .renew: false
    }
  }

  fileprivate var isAnsweredAsSettled: Bool {
    switch self {
    case .ack, .nack, .touch: true
    case .open, .credits, .renew: false
    }
  }
}
