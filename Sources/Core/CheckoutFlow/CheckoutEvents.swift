package import CoreTime
package import OrderDomain
package import VectorClock

/// What one event came to.
package struct EventResult: Sendable, Hashable {
  package enum Outcome: String, Sendable, Hashable {
    case passed, failed
    /// Not run, because an event it waits for failed.
    case skipped
  }

  package let event: String
  package let outcome: Outcome
  /// The service's clock at the event.
  package let clock: VectorClock
  /// What the rules found; the first is the reason of a failure.
  package let findings: [Finding]
  /// SKUs with titles; only from suggestions.
  package let suggestions: [SuggestedItem]

  package init(
    event: String, outcome: Outcome, clock: VectorClock, findings: [Finding] = [],
    suggestions: [SuggestedItem] = []
  ) {
    self.event = event
    self.outcome = outcome
    self.clock = clock
    self.findings = findings
    self.suggestions = suggestions
  }
}

package struct SuggestedItem: Sendable, Hashable, Codable {
  package var sku: String
  package var title: String

  package init(sku: String, title: String) {
    self.sku = sku
    self.title = title
  }
}

/// What can happen to a checkout.
package enum CheckoutInput: Sendable, Hashable {
  /// The order is durable; begin.
  case started
  /// A service answered. `clock` is its clock at the send of the answer.
  case replied(service: String, results: [EventResult], clock: VectorClock)
  /// A call for `events` came to nothing, all tries included.
  case callFailed(service: String, events: [String], code: String, message: String)
  /// Time went by.
  case timerFired
}

/// What a checkout wants done, in this order.
package enum CheckoutEffect: Sendable, Hashable {
  /// Ask `service` to carry out `events`, in one message that carries `clock`, within `budget`.
  case call(service: String, events: [String], clock: VectorClock, budget: Duration)
  /// Feed `timerFired` at this time. Replaces the one before.
  case setTimer(Instant)
  /// The answer. Nothing is asked of any service after this but to settle; what still runs is to be cancelled.
  case decided(CheckoutDecision)
  /// Tell a service, all of whose answers have arrived, that the order is over.
  case settle(service: String, finalClock: VectorClock)
}

/// The answer to a checkout.
package struct CheckoutDecision: Sendable, Hashable {
  package enum Verdict: Sendable, Hashable {
    case approved
    case rejected(Rejection)
  }

  package let verdict: Verdict
  /// What was found of events that passed.
  package let findings: [Finding]
  package let suggestions: [SuggestedItem]
  /// The suggestions did not come in time, or not at all.
  package let suggestionsDegraded: Bool
  /// Covers everything that happened to the order.
  package let clock: VectorClock
}

/// Why an order was rejected.
package struct Rejection: Sendable, Hashable, Codable {
  package struct Event: Sendable, Hashable, Codable {
    package let id: String
    package let name: String
  }

  /// The event that decided.
  package let event: Event
  package let service: String
  /// Stable: a rule's, or `service_unavailable`.
  package let code: String
  /// A sentence for a person.
  package let reason: String
  /// Whether the same order can pass later.
  package let retryable: Bool
  package let findings: [Finding]
}

/// One line of an order's history.
package struct TimelineEntry: Sendable, Hashable, Codable {
  /// Wall-clock time at which it was written down; order comes from `clock`.
  package var at: Timestamp
  /// The process at which it happened.
  package var actor: String
  /// An event's id, for what a service did.
  package var event: String?
  /// The state that the order took, or the event's outcome.
  package var state: String
  package var reason: String?
  package var clock: VectorClock

  package init(
    at: Timestamp, actor: String, event: String? = nil, state: String, reason: String? = nil,
    clock: VectorClock
  ) {
    self.at = at
    self.actor = actor
    self.event = event
    self.state = state
    self.reason = reason
    self.clock = clock
  }
}
