import CheckoutFlow
import CoreTime
import OrderDomain
import VectorClock

/// An order as it is kept: everything but the card, of which there is a summary.
struct StoredOrder: Sendable, Codable, Hashable {
  struct Suggestions: Sendable, Codable, Hashable {
    var degraded: Bool
    var items: [SuggestedItem]
  }

  /// Who carries it out, or did.
  struct Execution: Sendable, Codable, Hashable {
    var executor: String
    /// The fencing epoch it was leased under.
    var epoch: UInt64
    /// 1 for the first delivery.
    var attempt: Int
  }

  /// A cancel that was asked for. Whether it came in time, the state says.
  struct Cancellation: Sendable, Codable, Hashable {
    var reason: String
    var requestedAt: Timestamp
  }

  let id: OrderID
  private(set) var state: OrderState
  var priority: Priority
  /// Nil when it could not be priced: an unknown item, a sum beyond 64 bits.
  var total: Money?
  var customer: Customer
  var items: [OrderItem]
  var billingAddress: Address
  var shippingAddress: Address?
  var shipping: Shipping?
  var card: CardSummary
  var rejection: Rejection?
  /// What the checks found of an order that passed, as far as a person should see it; nil = nothing.
  var findings: [Finding]?
  var suggestions: Suggestions?
  var execution: Execution?
  var cancellation: Cancellation?
  /// Why it failed, was cancelled or came back.
  var reason: String?
  var clock: VectorClock
  let createdAt: Timestamp
  private(set) var updatedAt: Timestamp

  /// It passed, and a person should look at it.
  var isFlagged: Bool { findings?.contains { $0.code == Finding.flaggedForReview } == true }

  /// A new order in state `received`.
  init(
    id: OrderID, request: OrderRequest, priority: Priority, total: Money?, card: CardSummary,
    at time: Timestamp
  ) {
    self.id = id
    state = .received
    self.priority = priority
    self.total = total
    customer = request.customer
    items = request.items
    billingAddress = request.billingAddress
    shippingAddress = request.shippingAddress
    shipping = request.shipping
    self.card = card
    clock = VectorClock()
    createdAt = time
    updatedAt = time
  }

  /// Takes the next state; returns the line for the timeline. `clock` is the actor's at the transition.
  ///
  /// Throws `InvalidTransition` when the state machine does not have it.
  mutating func become(
    _ next: OrderState, actor: String, event: String? = nil, reason: String? = nil, clock moment: VectorClock,
    at time: Timestamp
  ) throws -> TimelineEntry {
    guard state.canBecome(next) else { throw InvalidTransition(from: state, to: next) }
    state = next
    clock.merge(moment)
    updatedAt = max(updatedAt, time)
    return TimelineEntry(
      at: time, actor: actor, event: event, state: next.rawValue, reason: reason, clock: moment)
  }
}
