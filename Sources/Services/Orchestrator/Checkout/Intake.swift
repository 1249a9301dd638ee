import CheckoutFlow
import CoreTime
import DaemonKit
import JournalLog
import Logging
import OrderDomain
import OrderWire
import TransactionRules
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Takes an order in: durable first, then checked, then decided and durable again.
struct Intake: Sendable {
  /// Bytes of an idempotency key.
  static let keyLength = 1...128

  let repository: OrderRepository
  let runner: CheckoutRunner
  let pool: CheckoutPool
  let key: InstallationKey
  let rules: TransactionRules
  let context: DaemonContext
  let outbox: Outbox
  let holding: Holding
  private let meters = CheckoutMeters()

  init(
    repository: OrderRepository, runner: CheckoutRunner, pool: CheckoutPool, key: InstallationKey,
    catalog: Catalog,
    context: DaemonContext, outbox: Outbox, holding: Holding
  ) {
    self.repository = repository
    self.runner = runner
    self.pool = pool
    self.key = key
    rules = TransactionRules(catalog: catalog)
    self.context = context
    self.outbox = outbox
    self.holding = holding
  }

  /// An order as it came in. Holds a card number, so it lives in memory only.
  struct Submission: Sendable {
    let order: OrderRequest
    /// The network address that it came from; nil = not known.
    let client: String?
  }

  /// The answer to an order.
  struct Answer: Sendable {
    let order: StoredOrder
    /// The key was used before, and this is what it stood for.
    let isReplay: Bool
  }

  /// Takes `body`, an `order.json`. Returns when the order is decided and durable.
  ///
  /// Throws `ServiceError`: the body's shape, a reused key, overload, storage.
  ///
  /// `client`: the network address that it came from; nil = not known. Told to the checks, kept in memory only.
  /// `isSeated`: it is the line of a batch, which has a place for it.
  func submit(
    _ body: Data, idempotencyKey: String?, client: String?, isSeated: Bool = false
  ) async throws -> Answer {
    // First: whoever is refused for want of room comes again, and is not read for nothing.
    try outbox.requireRoom()
    if let idempotencyKey { try Self.check(idempotencyKey, limit: Self.keyLength.upperBound) }
    let request = Submission(order: try OrderDocument.decode(body), client: client)
    if let idempotencyKey, OrderDocument.isCardNumber(of: request.order, in: idempotencyKey) {
      throw Self.keyError("must not contain the card's number: it is stored")
    }
    let now = context.clocks.wall()
    var random = SystemRandomNumberGenerator()
    let id = OrderID(at: now, using: &random)
    try pool.reserve(id, isSeated: isSeated)
    let admission: OrderRepository.Admission
    do {
      let (order, entries) = try received(id, request.order, at: now)
      admission = try await repository.admit(
        order, entries: entries, key: idempotencyKey, bodyMAC: key.mac(ofBody: body), at: now)
    } catch {
      pool.withdraw(id)
      throw error
    }
    switch admission {
    case .admitted(let order):
      context.logger.debug(
        "Order received.", metadata: ["order_id": "\(id)", "vector_clock": "\(order.clock)"])
      let decided = try await pool.start(id) { try await check(order, request) }
      return Answer(order: decided, isReplay: false)
    case .known(let order):
      pool.withdraw(id)
      return Answer(order: try await takeUp(order, request, isSeated: isSeated), isReplay: true)
    }
  }

  /// The order that a repeated key stands for: as it is when it is decided, resumed when it was interrupted.
  private func takeUp(
    _ known: StoredOrder, _ request: Submission, isSeated: Bool = false,
    reason: String = "resumed by a repeat of its idempotency key"
  ) async throws -> StoredOrder {
    switch known.state {
    case .received, .verifying, .interrupted:
      return try await pool.join(known.id, isSeated: isSeated) {
        let order = try await repository.change(known.id) { order in
          guard order.state == .interrupted else { return nil }
          order.clock.tick(context.process)
          return [
            try order.become(
              .verifying, actor: context.process, reason: reason, clock: order.clock,
              at: context.clocks.wall())
          ]
        }
        // Decided while this waited for its place.
        guard order.state == .verifying else { return order }
        return try await check(order, request)
      }
    case .approved, .queued, .executing, .executed, .rejected, .cancelled, .expired, .failed:
      return known
    }
  }

  /// A new order with its first two steps: received, verifying.
  private func received(
    _ id: OrderID, _ request: OrderRequest, at now: Timestamp
  ) throws -> (StoredOrder, [TimelineEntry]) {
    let price = rules.priceOf(request)
    var order = StoredOrder(
      id: id, request: request, priority: PriorityPolicy.standard.priority(of: request), total: price?.total,
      card: key.summary(of: request.payment.card), at: now)
    order.clock.tick(context.process)
    let first = TimelineEntry(
      at: now, actor: context.process, state: OrderState.received.rawValue, clock: order.clock)
    order.clock.tick(context.process)
    let second = try order.become(.verifying, actor: context.process, clock: order.clock, at: now)
    return (order, [first, second])
  }

  /// Runs the checks and makes the decision durable.
  private func check(_ order: StoredOrder, _ request: Submission) async throws -> StoredOrder {
    let started = context.clocks.now()
    let result = await runner.run(order.id, request, amount: order.total, clock: order.clock)
    if Task.isCancelled {
      // Cut off by a stop that does not wait, not decided: the next start makes it `interrupted`.
      throw ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2))
    }
    let decision = result.decision
    let hold = holding.hold(order.id, request, decision, now: context.clocks.now())
    let time = context.clocks.wall()
    let decided = try await repository.change(order.id) { order in
      // A cancel that came first stands.
      guard order.state == .verifying else { return nil }
      return try apply(decision, hold, result.timeline, to: &order, at: time)
    }
    if decided.state == .approved { outbox.orderApproved(decided) }
    report(decided, took: context.clocks.now() - started)
    // A held order goes on. The answer does not wait for the services to forget one that does not.
    if decided.state != .interrupted {
      holding.forget(order.id)
      // Not what was decided, but what holds: a cancel may have come first.
      runner.settle(
        order.id, result.settles, approved: decided.state == .approved, finalClock: decision.clock)
    }
    return decided
  }

  /// Tries a held order again. Whatever becomes of it is durable then. One that is decided by now is let go of; one
  /// that is under check stays held: a repeat of its key may be at it, or its decision could not be stored.
  func tryAgain(_ id: OrderID, _ request: Submission) async throws {
    let order = try await repository.order(id)
    switch order.state {
    case .interrupted: _ = try await takeUp(order, request, reason: "tried again by the orchestrator")
    case .received, .verifying: break
    case .approved, .queued, .executing, .executed, .rejected, .cancelled, .expired, .failed:
      holding.forget(id)
    }
  }

  private func apply(
    _ decision: CheckoutDecision, _ hold: String?, _ timeline: [TimelineEntry], to order: inout StoredOrder,
    at time: Timestamp
  ) throws -> [TimelineEntry] {
    let next: OrderState
    var reason: String?
    switch decision.verdict {
    case .approved:
      next = .approved
      order.findings = decision.findings.isEmpty ? nil : decision.findings
      order.suggestions = .init(degraded: decision.suggestionsDegraded, items: decision.suggestions)
    case .rejected where hold != nil:
      next = .interrupted
      reason = hold
      order.reason = hold
    case .rejected(let rejection):
      next = .rejected
      order.rejection = rejection
      reason = "\(rejection.code): \(rejection.reason)"
    }
    if next != .interrupted { order.reason = nil }
    let last = try order.become(
      next, actor: context.process, reason: reason, clock: decision.clock, at: time)
    return timeline + [last]
  }

  private func report(_ order: StoredOrder, took: Duration) {
    meters.decided(order.state, took: took)
    var metadata: Logger.Metadata = [
      "order_id": "\(order.id)", "state": "\(order.state.rawValue)", "vector_clock": "\(order.clock)",
    ]
    if let rejection = order.rejection {
      metadata["event"] = "\(rejection.event.id)"
      metadata["service"] = "\(rejection.service)"
      metadata["reason"] = "\(rejection.code)"
    }
    context.logger.tell(OrderEvent.decided, metadata: metadata)
  }

  /// Throws `invalid_argument` for a key that is none. `limit`: bytes.
  static func check(_ key: String, limit: Int) throws {
    guard (1...limit).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw keyError("must be 1 to \(limit) visible ASCII characters")
    }
  }

  private static func keyError(_ problem: String) -> ServiceError {
    ServiceError(
      .invalidArgument, "the Idempotency-Key \(problem)",
      details: ["field": "Idempotency-Key", "problem": problem])
  }
}
