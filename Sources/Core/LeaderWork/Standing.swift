package import CoreTime

/// Whether what an executor does is backed by the queue. For the watchdog, which is to end a process that acts
/// without a right to (docs/adr/0025-a-leader-without-a-lease.md).
package enum Standing: Sendable, Hashable {
  /// Neither leads nor carries anything out: so stands, too, who has stepped down because nobody is reached.
  case atRest
  /// All it does, it does under the epoch that it may trust now.
  case backed
  /// It leads, or still carries something out, under an epoch that it may not trust. The end of the trust window
  /// ends that within moments, unless something hangs.
  case unbacked

  /// `led`: the epoch under which this executor says to the others that it leads; nil where it does not, or has
  /// yet to be granted one. `executing`: the epochs of what is being carried out, cancelled or not. `trusted`: the
  /// epoch that may be acted under now.
  package init(led: UInt64?, executing: some Sequence<UInt64>, trusted: UInt64?) {
    var isActing = false
    for epoch in executing {
      isActing = true
      guard epoch == trusted else {
        self = .unbacked
        return
      }
    }
    if let led {
      self = led == trusted ? .backed : .unbacked
    } else {
      self = isActing || trusted != nil ? .backed : .atRest
    }
  }
}

extension LeaderWork {
  /// `executing`: as in `Standing`; the machine forgets what it has cancelled, its shell does not.
  package func standing(led: UInt64?, executing: some Sequence<UInt64>, at now: Instant) -> Standing {
    Standing(led: led, executing: executing, trusted: mayAct(at: now) ? epoch : nil)
  }
}
