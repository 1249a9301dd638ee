/// Where an order is in its life.
///
///     received ─► verifying ─► approved ─► queued ◄──► executing ─► executed
///                     │                      ▲  │          │
///                     ├─► rejected      kick │  ├─► cancelled, expired
///                     └─► interrupted ─┐  failed ◄─────────┘
///                     ▲                │
///                     └────────────────┘
package enum OrderState: String, Sendable, Hashable, Codable, CaseIterable {
  /// Durable, nothing checked yet. Can turn into verifying, cancelled, interrupted.
  case received
  /// The checks run. Can turn into approved, rejected, interrupted, cancelled.
  case verifying
  /// A check was cut off by a crash or an outage; the same idempotency key resumes it. Can turn into verifying,
  /// cancelled, expired.
  case interrupted
  /// All checks passed; waits in the outbox. Can turn into queued, cancelled.
  case approved
  /// In the order-queue. Can turn into executing, cancelled, expired, failed.
  case queued
  /// Leased by the leading executor. Can turn into executed, queued (returned), failed.
  case executing
  /// Carried out. Final.
  case executed
  /// A check failed. Final.
  case rejected
  /// Withdrawn before it was executing. Final.
  case cancelled
  /// Its time ran out before it was executing. Final.
  case expired
  /// Dead-lettered after its last attempt. An operator can kick it back: can turn into queued, cancelled.
  case failed

  /// The states that this one can turn into.
  package var successors: Set<OrderState> {
    switch self {
    case .received: [.verifying, .cancelled, .interrupted]
    case .verifying: [.approved, .rejected, .interrupted, .cancelled]
    case .interrupted: [.verifying, .cancelled, .expired]
    case .approved: [.queued, .cancelled]
    case .queued: [.executing, .cancelled, .expired, .failed]
    case .executing: [.executed, .queued, .failed]
    case .failed: [.queued, .cancelled]
    case .executed, .rejected, .cancelled, .expired: []
    }
  }

  package func canBecome(_ next: OrderState) -> Bool { successors.contains(next) }

  /// Nothing happens to the order any more unless an operator acts.
  package var isSettled: Bool {
    switch self {
    case .executed, .rejected, .cancelled, .expired, .failed: true
    case .received, .verifying, .interrupted, .approved, .queued, .executing: false
    }
  }
}

/// Raised by the store when a transition is not in the table: our bug or a duplicate, never guessed around.
package struct InvalidTransition: Error, Sendable, Hashable, CustomStringConvertible {
  package let from: OrderState
  package let to: OrderState

  package init(from: OrderState, to: OrderState) {
    self.from = from
    self.to = to
  }

  package var description: String { "an order that is \(from.rawValue) cannot become \(to.rawValue)" }
}
