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

  package init(_ id: String, _ name: String, at service: String, after: [String] = [], kind: Kind = .required)
  {
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

  /// Nil for a table under which a checkout could fail to end, or end without one of its checks:
  ///
  /// - an id stands twice, or an event waits for one that does not stand before it (so there are no cycles);
  /// - a required event waits for an advisory one, which may never pass;
  /// - the handoff is not the one last event, or does not wait, directly or by others, for every required event.
  package init?(_ events: [CheckoutEvent]) {
    // By event: everything that happens before it.
    var past: [String: Set<String>] = [:]
    var required: Set<String> = []
    for event in events {
      guard past[event.id] == nil, event.after.allSatisfy({ past[$0] != nil }) else { return nil }
      if event.kind != .advisory, !required.isSuperset(of: event.after) { return nil }
      if event.kind == .required { required.insert(event.id) }
      past[event.id] = event.after.reduce(into: []) { $0.formUnion((past[$1] ?? []).union([$1])) }
    }
    guard let last = events.last, events.filter({ $0.kind == .handoff }) == [last], past[last.id] == required
    else { return nil }
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
