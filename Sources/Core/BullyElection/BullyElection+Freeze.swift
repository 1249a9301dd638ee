package import CoreTime

/// Maintenance: for a bounded time nobody stands for election here and no leader is made to go.
///
/// It suppresses what this node would start, not what others do: a leader that resigns is gone, and one that
/// outranks is followed. So it is meant for all nodes at once, e.g. while a switch is being replaced.
extension BullyElection {
  /// A freeze never lasts longer.
  package static let longestFreeze = Duration.seconds(3_600)

  package func isFrozen(at now: Instant) -> Bool {
    guard let frozenUntil else { return false }
    return now < frozenUntil
  }

  mutating func freeze(_ wanted: Duration, _ now: Instant) {
    guard state != .stopped, wanted > .zero else { return }
    let lasting = min(wanted, Self.longestFreeze)
    frozenUntil = now + lasting
    note(.frozen(for: lasting))
    switch state {
    case .idle, .stopped, .leading, .following: break
    case .checking(let followed, _), .takingOver(let followed, _, _): hold(followed, now)
    case .searching, .electing, .awaiting: holdWithoutLeader(now)
    }
  }

  mutating func thaw(_ now: Instant) {
    guard frozenUntil != nil else { return }
    frozenUntil = nil
    note(.thawed)
    let again = jittered(configuration.suspicion, now)
    switch state {
    case .searching(let until):
      if until != nil { state = .searching(until: max(again, heldOffUntil ?? again)) }
    case .following(var followed):
      followed.suspectAt = min(followed.suspectAt, again)
      state = .following(followed)
    case .idle, .checking, .electing, .awaiting, .takingOver, .leading, .stopped: break
    }
  }

  /// The time is up by itself: the deadlines that were put off end now as well.
  mutating func thawIfDue(_ now: Instant) {
    guard let frozenUntil, now >= frozenUntil else { return }
    self.frozenUntil = nil
    note(.thawed)
  }

  /// Goes on following, heard or not, until the freeze is over.
  mutating func hold(_ followed: Followed, _ now: Instant) {
    var held = followed
    held.suspectAt = jittered(.zero, frozenUntil ?? now)
    state = .following(held)
  }

  mutating func holdWithoutLeader(_ now: Instant) {
    let until = max(jittered(.zero, frozenUntil ?? now), heldOffUntil ?? now)
    state = .searching(until: reportedEligible ? until : nil)
  }
}
