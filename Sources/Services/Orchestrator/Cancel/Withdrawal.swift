import CheckoutFlow
import CoreTime
import DaemonKit
import GRPCSupport
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// Takes orders back from the order-queue, which alone can say whether it is too late.
struct Withdrawal: Sendable {
  /// What the queue says.
  enum Verdict: Sendable, Hashable {
    /// Nobody will carry it out. It tells so among its outcomes.
    case withdrawn
    /// It is in a state that cannot be cancelled; `holder`: who carries it out.
    case tooLate(OrderState, holder: String?)
    /// It does not know the order.
    case unknown
  }

  /// Within which an answer is worth waiting for.
  private static let deadline = Duration.seconds(2)
  /// An order that is put into the queue only to be withdrawn there must not be carried out in between, nor
  /// afterwards should the withdrawal never come: it expires long before it is due.
  private static let never = Duration.seconds(365 * 86_400)
  private static let expiry = Duration.seconds(30 * 86_400)

  let repository: OrderRepository
  let queue: QueueSession
  let context: DaemonContext

  /// Throws `ServiceError` when the queue cannot be asked; it names the queue.
  func ask(_ order: StoredOrder, reason: String) async throws -> Verdict {
    let request = Ordersd_V1_CancelRequest.with {
      $0.orderID = order.id.description
      $0.clock = order.clock.ticked(context.process).message
      $0.reason = reason
    }
    do {
      guard case .cancel(let reply) = try await queue.call(.cancel(request), within: Self.deadline) else {
        throw ServiceError.mismatch(queue.service)
      }
      if reply.cancelled { return .withdrawn }
      return .tooLate(
        OrderState(reply.state) ?? order.state, holder: reply.holder.isEmpty ? nil : reply.holder)
    } catch let error as ServiceError where error.code == .notFound {
      return .unknown
    }
  }

  /// Withdraws an approved order, of which the queue may or may not know: an earlier try to hand it over can have
  /// arrived without an answer, and can still be on its way. So the queue is given the order first, not to be
  /// carried out; from then on it knows the id, a late arrival is a duplicate, and its verdict stands.
  func carryOut(_ order: StoredOrder) async throws {
    guard let cancellation = order.cancellation else { return }
    let now = context.clocks.wall()
    let sent = order.clock.ticked(context.process)
    let body = try FulfilmentDocument(order).encoded()
    let request = Ordersd_V1_EnqueueRequest.with {
      $0.orderID = order.id.description
      $0.clock = sent.message
      $0.priority = UInt32(order.priority.level)
      $0.body = body
      $0.notBeforeMs = (now + Self.never).milliseconds
      $0.expiresAtMs = (now + Self.expiry).milliseconds
    }
    guard case .enqueue(let reply) = try await queue.call(.enqueue(request), within: Self.deadline) else {
      throw ServiceError.mismatch(queue.service)
    }
    let queueClock = try VectorClock(reply.clock)
    let verdict = try await ask(order, reason: cancellation.reason)
    let process = context.process
    let event = EventTable.checkout.events.first { $0.kind == .handoff }?.id
    _ = try await repository.change(order.id) { stored in
      stored.clock.merge(sent)
      stored.clock.receive(queueClock, at: process)
      // An outcome may have told of it first.
      guard stored.state == .approved else { return [] }
      // The cancel itself comes among the outcomes, after everything that the queue did before it.
      return [
        TimelineEntry(
          at: now, actor: "order-queue", event: event, state: EventResult.Outcome.passed.rawValue,
          reason: verdict == .withdrawn ? "to be withdrawn there" : nil, clock: queueClock),
        try stored.become(.queued, actor: process, clock: stored.clock, at: now),
      ]
    }
  }
}

extension OrderState {
  /// What the state of a job means for its order; nil for one that this version does not know.
  init?(_ state: Ordersd_V1_JobState) {
    switch state {
    case .ready, .delayed: self = .queued
    case .leased: self = .executing
    case .buried: self = .failed
    case .done: self = .executed
    case .cancelled: self = .cancelled
    case .expired: self = .expired
    case .unspecified, .UNRECOGNIZED: return nil
    }
  }
}
