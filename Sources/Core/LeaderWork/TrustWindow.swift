package import CoreTime

/// How long a leader may trust its own leadership, by its own monotonic clock alone (DESIGN §4, "Trust
/// window").
///
/// The queue counts a lease from when a renewal reaches it, which is after it was sent. Counted from the
/// sending and less a margin for clocks that run at different speeds, the leader stops before a lease can run
/// out at the queue. Source of the rule: C. Gray, D. Cheriton, "Leases: an efficient fault-tolerant mechanism
/// for distributed file cache consistency" (1989).
package struct TrustWindow: Sendable, Hashable {
  /// Ends here; not trusted at this instant any more.
  package private(set) var until: Instant
  package private(set) var lease: Duration
  /// When the renewal was sent that has not been answered yet.
  package private(set) var renewalSentAt: Instant?
  private var renewedAt: Instant

  /// `start`: when the claim that was granted was sent.
  package init(start: Instant, lease: Duration) {
    self.lease = lease
    renewedAt = start
    until = start + lease - Self.margin(of: lease)
  }

  /// A sixth of the lease, at most a second.
  package static func margin(of lease: Duration) -> Duration { min(lease / 6, .seconds(1)) }

  package func isTrusted(at now: Instant) -> Bool { now < until }

  /// When the next renewal is to be sent: a third of the lease after the last one that was answered. Nil
  /// while an answer is outstanding, as it could not be told which one came.
  package var renewalDueAt: Instant? { renewalSentAt == nil ? renewedAt + lease / 3 : nil }

  package mutating func renewalSent(at now: Instant) { renewalSentAt = renewalSentAt ?? now }

  /// The queue has extended the leadership. Without a renewal outstanding it says nothing.
  package mutating func renewed(lease: Duration) {
    guard let sent = renewalSentAt else { return }
    renewalSentAt = nil
    renewedAt = sent
    self.lease = lease
    until = max(until, sent + lease - Self.margin(of: lease))
  }

  /// The stream broke: no answer will come.
  package mutating func renewalLost() { renewalSentAt = nil }
}
