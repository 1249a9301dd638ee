import CoreTime

extension BullyElection {
  mutating func handleTimer(_ now: Instant) {
    guard let deadline = nextDeadline, now >= deadline else { return }
    switch state {
    case .idle, .stopped: break
    case .searching: startElection(.noLeader, now)
    case .following(let followed): suspect(followed, now)
    case .checking: startElection(.leaderLost, now)
    case .electing:
      // A held-off node does not get here, but eligibility is what leading rests on: look again.
      if isEligible(at: now) { lead(now) } else { startElection(.noLeader, now) }
    case .awaiting: startElection(.noCoordinator, now)
    case .takingOver(let followed, let askAgainAt, let until):
      takeOverTimer(followed, askAgainAt: askAgainAt, until: until, now)
    case .leading(let own): leadingTimer(own, now)
    }
  }

  private mutating func suspect(_ followed: Followed, _ now: Instant) {
    note(.leaderSuspected(followed.id))
    guard !isFrozen(at: now) else { return hold(followed, now) }
    guard isEligible(at: now), followed.vouches < configuration.maximumVouches else {
      return startElection(.leaderLost, now)
    }
    state = .checking(followed, until: jittered(configuration.precheckTimeout, now))
    send(.leaderQuery(followed.id), now)
  }

  private mutating func takeOverTimer(
    _ followed: Followed, askAgainAt: Instant, until: Instant, _ now: Instant
  ) {
    if now >= until {
      note(.handoverOverdue(by: followed.id))
      startElection(.preempt, forced: true, now)
    } else if now >= followed.suspectAt {
      note(.leaderSuspected(followed.id))
      startElection(.leaderLost, now)
    } else if now >= askAgainAt {
      state = .takingOver(followed, askAgainAt: now + configuration.heartbeat * 3, until: until)
      send(.handoverRequest, to: followed.id, now)
    }
  }

  private mutating func leadingTimer(_ leadership: Leadership, _ now: Instant) {
    var own = leadership
    if let drain = own.drain, now >= drain.until { return finishHandover(now) }
    switch own.claim {
    case .asking(let until) where now >= until, .refused(_, let until) where now >= until:
      heldOffUntil = now + configuration.claimHoldoff
      return resign(
        .couldNotClaim, saying: .ineligible, successor: nil, until: jittered(configuration.claimHoldoff, now),
        now)
    case .refused(let retryAt, let until) where now >= retryAt:
      own.claim = .asking(until: until)
      state = .leading(own)
      effects.append(.becameLeader(term: own.term))
    case .asking, .refused, .granted: break
    }
    tellSplitBrain(own, now)
    if now >= own.nextHeartbeat {
      own.nextHeartbeat = now + configuration.heartbeat
      state = .leading(own)
      send(.coordinator, now)
    }
  }
}
