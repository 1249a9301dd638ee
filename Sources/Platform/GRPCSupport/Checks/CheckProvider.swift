package import CoreTime
package import OrderDomain

/// The rules of one check service, as its host calls them. Everything about clocks, messages and streams is
/// the host's (`CheckHost`).
package protocol CheckProvider: Sendable {
  /// Carries out `event`, which is one of the service's `CheckEvents`. Called from several threads.
  func verdict(on event: String, of check: CheckInput) -> EventVerdict

  /// The order is over: what is kept of it can be forgotten. `finalClock` tells who took part in it.
  func settled(_ order: OrderID, approved: Bool)
}

extension CheckProvider {
  package func settled(_ order: OrderID, approved: Bool) {}
}

/// What an event is decided from.
package struct CheckInput: Sendable {
  package let orderID: OrderID
  package let order: OrderRequest
  /// As priced by the caller; there for events of `CheckEvents.needingAmount`.
  package let amount: Money?
  /// The network address that the order came from, as text; nil when the caller does not know.
  package let clientAddress: String?
  /// For expiry dates and the like.
  package let wall: Timestamp
  /// For windows of time.
  package let now: Instant
  /// Verdicts of the events that came before in the same message.
  package internal(set) var earlier: [String: EventVerdict] = [:]
}

/// What the rules say about one event.
package struct EventVerdict: Sendable, Hashable {
  package var passed: Bool
  /// The first is the reason for a failure. An event can pass with findings that a person should see.
  package var findings: [Finding]
  package var suggestions: [SuggestedItem]

  package init(passed: Bool, findings: [Finding] = [], suggestions: [SuggestedItem] = []) {
    self.passed = passed
    self.findings = findings
    self.suggestions = suggestions
  }
}

/// Something that could go into the basket too.
package struct SuggestedItem: Sendable, Hashable {
  package let sku: String
  package let title: String
  /// 0 … 1, greater is better.
  package let score: Double

  package init(sku: String, title: String, score: Double) {
    self.sku = sku
    self.title = title
    self.score = score
  }
}

/// The events of one service, out of the checkout's event table (docs/ARCHITECTURE.md).
package struct CheckEvents: Sendable {
  /// In the table's order: `a`, `b`, `c`.
  package let ids: [String]
  /// Predecessors by event, as far as the same service carries them out.
  package let predecessors: [String: [String]]
  /// Events that cannot be decided without the order's amount.
  package let needingAmount: Set<String>

  package init(ids: [String], predecessors: [String: [String]] = [:], needingAmount: Set<String> = []) {
    self.ids = ids
    self.predecessors = predecessors
    self.needingAmount = needingAmount
  }
}
