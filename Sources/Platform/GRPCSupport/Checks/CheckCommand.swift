import OrderDomain
import OrderProtos
import OrderWire
import VectorClock

/// A `CheckRequest` whose shape is good. Nothing is kept of a request that this refuses.
struct CheckCommand: Sendable {
  let orderID: OrderID
  let clock: VectorClock
  /// Each one of the service's, each once, after its predecessors.
  let events: [String]
  let order: OrderRequest
  let amount: Money?
  /// Where the order came from; nil = not known.
  let clientAddress: String?
  /// What was left of the order's time when the request was sent; nil = no limit.
  let budget: Duration?

  /// Throws `invalid_argument`, naming the field.
  init(_ message: Ordersd_V1_CheckRequest, of known: CheckEvents) throws {
    orderID = try OrderID(wire: message.orderID)
    clock = try VectorClock(message.clock)
    try Self.check(events: message.events, of: known)
    events = message.events
    guard message.hasOrder else { throw ServiceError(.invalidArgument, "order: is missing") }
    try Self.checkTexts(of: message.order)
    order = try OrderRequest(message.order)
    amount = message.hasAmount ? try Money(message.amount) : nil
    if amount == nil, let event = events.first(where: known.needingAmount.contains) {
      throw ServiceError(.invalidArgument, "amount: is missing; event '\(event)' needs it")
    }
    clientAddress = try Self.clientAddress(message)
    budget = message.budgetMs > 0 ? .milliseconds(Int64(message.budgetMs)) : nil
  }

  private static func clientAddress(_ message: Ordersd_V1_CheckRequest) throws -> String? {
    let address = message.clientAddress
    guard address.utf8.count <= WireLimit.text else {
      throw ServiceError(
        .invalidArgument,
        "client_address: has \(address.utf8.count) bytes; at most \(WireLimit.text) are taken")
    }
    return address.isEmpty ? nil : address
  }

  private static func check(events: [String], of known: CheckEvents) throws {
    guard (1...WireLimit.events).contains(events.count) else {
      throw ServiceError(
        .invalidArgument, "events: must name 1 to \(WireLimit.events) events, not \(events.count)")
    }
    var seen: Set<String> = []
    for event in events {
      guard known.ids.contains(event) else {
        throw ServiceError(
          .invalidArgument,
          "events: '\(event.prefix(16))' is not carried out here; this service knows \(list(known.ids))")
      }
      guard seen.insert(event).inserted else {
        throw ServiceError(.invalidArgument, "events: '\(event)' stands twice")
      }
      let later = known.predecessors[event, default: []].first { events.contains($0) && !seen.contains($0) }
      if let later {
        throw ServiceError(.invalidArgument, "events: '\(event)' must stand after '\(later)'")
      }
    }
  }

  private static func checkTexts(of order: Ordersd_V1_Order) throws {
    var texts = [
      ("name", order.name), ("email", order.email), ("shipping_method", order.shippingMethod),
      ("currency", order.currency), ("card.holder", order.card.holder), ("card.number", order.card.number),
      ("card.expiry", order.card.expiry), ("card.cvv", order.card.cvv),
    ]
    for (name, address) in [
      ("billing_address", order.billingAddress), ("shipping_address", order.shippingAddress),
    ] {
      texts += [
        ("\(name).street", address.street), ("\(name).city", address.city),
        ("\(name).postal_code", address.postalCode), ("\(name).country", address.country),
      ]
    }
    texts += order.items.prefix(WireLimit.orderItems).enumerated().map {
      ("items[\($0.offset)].sku", $0.element.sku)
    }
    if let (field, text) = texts.first(where: { $0.1.utf8.count > WireLimit.text }) {
      throw ServiceError(
        .invalidArgument, "order.\(field): has \(text.utf8.count) bytes; at most \(WireLimit.text) are taken",
        details: ["field": "order.\(field)"])
    }
  }
}

private func list(_ events: [String]) -> String { events.map { "'\($0)'" }.joined(separator: ", ") }
