import CheckoutFlow
import CoreTime
import DaemonKit
import JournalLog
import Logging
import OrderDomain
import OrderWire
import VectorClock

/// Cancels orders for those who ask. Up to the approval the orchestrator decides by itself; from then on the
/// order-queue is the judge, because an executor may be at work (ADR 0015).
struct Canceller: Sendable {
  enum Result: Sendable {
    case cancelled(StoredOrder)
    /// The cancel is durable; whether it came in time is not known yet, because the order-queue does not answer or
    /// has not told of it.
    case underWay(StoredOrder)
  }

  /// How long a request waits for what it asked for.
  static let patience = Duration.seconds(2)

  let repository: OrderRepository
  let withdrawal: Withdrawal
  let outbox: Outbox
  let context: DaemonContext

  /// Repeating it changes nothing; the first reason stays.
  ///
  /// Throws `not_found`; `conflict` with state and holder when it is too late; `service_unavailable` when the order
  /// is with the order-queue and that cannot be asked: nothing has changed then.
  func cancel(_ id: OrderID, reason: String) async throws -> Result {
    let deadline = context.clocks.now() + Self.patience
    // Followed before the order is read, so that no change falls between the two.
    let changes = try repository.feed.follow(id, isCounted: false)
    while true {
      let order = try await request(id, reason)
      switch order.state {
      case .cancelled:
        return .cancelled(order)
      case .approved:
        // Durable now: the outbox withdraws it instead of handing it over.
        outbox.withdraw()
      case .queued, .executing, .failed:
        try await withdraw(order, reason)
      case .executed, .rejected, .expired:
        throw tooLate(order, order.state, holder: order.execution?.executor)
      case .received, .verifying, .interrupted:
        throw ServiceError(
          .internal, "order \(id) could not be cancelled in state \(order.state.rawValue)",
          details: ["orderId": id.description])
      }
      guard await aChange(changes, before: deadline) else {
        let order = try await repository.order(id)
        return order.state == .cancelled ? .cancelled(order) : .underWay(order)
      }
    }
  }

  /// Cancels what has not left the orchestrator, and writes down that an approved order is to be withdrawn.
  private func request(_ id: OrderID, _ reason: String) async throws -> StoredOrder {
    let (process, now) = (context.process, context.clocks.wall())
    let order = try await repository.change(id) { order in
      switch order.state {
      case .received, .verifying, .interrupted:
        order.cancellation = .init(reason: reason, requestedAt: now)
        order.reason = reason
        order.clock.tick(process)
        return [
          try order.become(.cancelled, actor: process, reason: reason, clock: order.clock, at: now)
        ]
      case .approved where order.cancellation == nil:
        order.cancellation = .init(reason: reason, requestedAt: now)
        order.clock.tick(process)
        return [
          TimelineEntry(
            at: now, actor: process, event: "cancel", state: "requested", reason: reason, clock: order.clock)
        ]
      case .approved, .queued, .executing, .failed, .executed, .rejected, .cancelled, .expired:
        return nil
      }
    }
    if order.state == .cancelled, order.cancellation?.requestedAt == now {
      context.logger.tell(
        OrderEvent.cancelled,
        metadata: ["order_id": "\(id)", "reason": "\(reason)", "vector_clock": "\(order.clock)"])
    }
    return order
  }

  private func withdraw(_ order: StoredOrder, _ reason: String) async throws {
    do {
      switch try await withdrawal.ask(order, reason: order.cancellation?.reason ?? reason) {
      case .withdrawn:
        // What the queue tells of it moves the order on, in the order in which things happened there.
        return
      case .tooLate(let state, let holder):
        throw tooLate(order, state, holder: holder ?? order.execution?.executor)
      case .unknown:
        throw ServiceError(
          .conflict,
          "order \(order.id) is \(order.state.rawValue), but the order-queue does not know it any more; "
            + "it cannot be cancelled",
          service: "order-queue", details: ["orderId": order.id.description, "state": order.state.rawValue])
      }
    } catch var error as ServiceError where error.isRetryable {
      error.message =
        "order \(order.id) is with the order-queue, which cannot be asked now; nothing was changed, try again "
        + "(\(error.message))"
      error.details["orderId"] = order.id.description
      error.details["state"] = order.state.rawValue
      throw error
    }
  }

  private func tooLate(_ order: StoredOrder, _ state: OrderState, holder: String?) -> ServiceError {
    var details = ["orderId": order.id.description, "state": state.rawValue]
    details["holder"] = holder
    let by = holder.map { " (\($0))" } ?? ""
    return ServiceError(
      .conflict,
      "it is too late to cancel order \(order.id): it is \(state.rawValue)\(by); "
        + "orders can be cancelled until they are executing",
      details: details)
  }

  /// Whether the order has changed before `deadline`.
  private func aChange(_ changes: AsyncStream<Void>, before deadline: Instant) async -> Bool {
    let left = deadline - context.clocks.now()
    guard left > .zero else { return false }
    return await withTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      group.addTask { await changes.first { _ in true } != nil }
      group.addTask {
        // Cancelled when the change comes first.
        try? await Task.sleep(for: left)
        return false
      }
      return await group.next() ?? false
    }
  }
}
