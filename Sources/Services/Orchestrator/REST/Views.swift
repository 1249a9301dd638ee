import CheckoutFlow
import CoreTime
import OrderDomain
import VectorClock

// What REST shows. Apart from what is stored, so that each can change by itself.

struct OrderView: Encodable {
  let orderId: OrderID
  let state: OrderState
  let priority: Priority
  let total: Money?
  let customer: Customer
  let items: [OrderItem]
  let card: CardSummary
  let rejection: Rejection?
  /// It passed, and a person should look at it; `findings` tells why.
  let flagged: Bool
  let findings: [Finding]?
  let suggestions: StoredOrder.Suggestions?
  let execution: StoredOrder.Execution?
  let reason: String?
  let cancellation: CancellationView?
  let clock: VectorClock
  let createdAt: String
  let updatedAt: String

  init(_ order: StoredOrder) {
    orderId = order.id
    state = order.state
    priority = order.priority
    total = order.total
    customer = order.customer
    items = order.items
    card = order.card
    rejection = order.rejection
    flagged = order.isFlagged
    findings = order.findings
    suggestions = order.suggestions
    execution = order.execution
    reason = order.reason
    cancellation = order.cancellation.map {
      CancellationView(reason: $0.reason, requestedAt: $0.requestedAt.rfc3339)
    }
    clock = order.clock
    createdAt = order.createdAt.rfc3339
    updatedAt = order.updatedAt.rfc3339
  }
}

struct CancellationView: Encodable {
  let reason: String
  let requestedAt: String
}

struct OrderListView: Encodable {
  let orders: [OrderView]
  /// Pass as `cursor`, with the same filters, for the next page; absent on the last.
  let next: String?
  /// All orders by state, whatever the filters.
  let counts: [String: Int]
}

struct TimelineView: Encodable {
  struct Entry: Encodable {
    let sequence: Int
    let at: String
    let actor: String
    let event: String?
    /// The event's name in the table: `verify items`.
    let eventName: String?
    let state: String
    let reason: String?
    let clock: VectorClock
  }

  let orderId: OrderID
  let entries: [Entry]

  init(_ id: OrderID, _ entries: [TimelineEntry]) {
    orderId = id
    self.entries = entries.enumerated().map { number, entry in
      Entry(
        sequence: number + 1, at: entry.at.rfc3339, actor: entry.actor, event: entry.event,
        eventName: entry.event.flatMap { EventTable.checkout[$0]?.name }, state: entry.state,
        reason: entry.reason, clock: entry.clock)
    }
  }
}

struct StatusView: Encodable {
  struct PeerView: Encodable {
    let service: String
    let endpoint: String
    /// `serving`, `not serving` or why it could not be asked.
    let health: String
    let isServing: Bool
    /// Whether the stream for calls is open.
    let isConnected: Bool
    /// `closed` = calls go out; `open` = they are refused at once; `half-open` = a probe is tried.
    let circuit: String
  }

  struct LeaderView: Encodable {
    let lane: String
    let holder: String?
    let epoch: UInt64
    let term: UInt64
  }

  let service: String
  let ready: Bool
  let problems: [String]
  let inFlight: Int
  let orders: [String: Int]
  let peers: [PeerView]
  let leaders: [LeaderView]
}
