/// One event of a checkout: a unit of work at one service, and what must be done before it.
package struct CheckoutEvent: Sendable, Hashable {
  /// How much an event's failure or silence matters.
  package enum Kind: Sendable, Hashable {
    /// A failure rejects the order.
    case required
    /// Enriches the answer: it never rejects the order, and never holds it up for longer than its own deadline.
    case advisory
    /// Hands the approved order on. Fires once everything it waits for has passed and every advisory event is over.
    case handoff
  }

  /// One letter in the documents: `a` … `g`.
  package let id: String
  /// For people: `verify payment card`.
  package let name: String
  /// The service that carries it out, as its process is called.
  package let service: String
  /// Ids of the events that must have passed before.
  package let after: [String]
  package let kind: Kind

  package init(_ id: String, _ name: String, at service: String, after: [String] = [], kind: Kind = .required) {
    self.id = id
    self.name = name
    self.service = service
    self.after = after
    self.kind = kind
  }
}

/// The partial order of a checkout, as data.
package struct EventTable: Sendable, Hashable {
  /// Every event stands after all events that it waits for.
  package let events: [CheckoutEvent]

  /// Nil when an id stands twice, or an event waits for one that does not stand before it: so there are no cycles.
  package init?(_ events: [CheckoutEvent]) {
    var seen: Set<String> = []
    for event in events {
      guard event.after.allSatisfy(seen.contains), seen.insert(event.id).inserted else { return nil }
    }
    self.events = events
  }

  private init(checked events: [CheckoutEvent]) { self.events = events }

  package subscript(id: String) -> CheckoutEvent? { events.first { $0.id == id } }

  /// The checkout of DESIGN §3.
  package static let checkout = EventTable(checked: [
    CheckoutEvent("a", "verify items", at: "transaction-verification"),
    CheckoutEvent("b", "verify buyer", at: "transaction-verification"),
    CheckoutEvent("c", "verify payment card", at: "transaction-verification", after: ["a"]),
    CheckoutEvent("d", "screen buyer", at: "fraud-detection", after: ["b"]),
    CheckoutEvent("e", "screen payment", at: "fraud-detection", after: ["c", "d"]),
    CheckoutEvent("f", "suggest", at: "suggestions", after: ["a"], kind: .advisory),
    CheckoutEvent("g", "enqueue", at: "order-queue", after: ["a", "b", "c", "d", "e"], kind: .handoff),
  ])
}
