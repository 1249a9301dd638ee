import CoreTime

extension BullyElection {
  mutating func receive(_ message: ElectionMessage, _ now: Instant) {
    guard state != .idle, state != .stopped, message.lane == configuration.lane else { return }
    guard message.sender != id else { return hearDuplicate(message, now) }
    guard message.term <= Self.maximumTerm, peers.admit(message, highestTerm: highestTerm, now: now) else {
      return
    }
    highestTerm = max(highestTerm, message.term)
    switch message.kind {
    case .election: electionHeard(message, now)
    case .answer: answerHeard(message, now)
    case .coordinator: coordinatorHeard(message, now)
    case .handoverRequest: handoverRequested(message, now)
    // The request arrived; what counts is the resignation that follows, and `until` bounds the wait for it.
    case .handoverAccepted: break
    case .resign(let reason, let successor): resignationHeard(message, reason, successor, now)
    case .leaderQuery(let suspect): queryHeard(message, suspect, now)
    case .leaderHeard(let leader): vouchHeard(message, leader, now)
    }
    // Somebody knows a later term than the one led under, e.g. from before this process was started.
    if case .leading(let own) = state, own.term < highestTerm { reannounce(now) }
  }

  /// One's own packets come back by multicast; those of another incarnation are somebody else's mistake. Of
  /// the two one stays out for as long as it hears the other: the higher incarnation, as neither knows which
  /// was first.
  private mutating func hearDuplicate(_ message: ElectionMessage, _ now: Instant) {
    guard message.incarnation != incarnation else { return }
    if message.incarnation < incarnation { stayOut(now) }
    if let duplicateNotedAt, now - duplicateNotedAt < .seconds(10) { return }
    duplicateNotedAt = now
    note(.duplicateID(incarnation: message.incarnation))
  }

  private mutating func stayOut(_ now: Instant) {
    let until = now + configuration.claimHoldoff
    heldOffUntil = max(heldOffUntil ?? until, until)
    switch state {
    case .leading: resign(.duplicateID, saying: .ineligible, successor: liveSuccessor(now), until: until, now)
    case .searching(let wait): if wait != nil { state = .searching(until: until) }
    case .electing, .awaiting: state = .searching(until: until)
    case .takingOver(let followed, _, _): state = .following(followed)
    case .idle, .following, .checking, .stopped: break
    }
  }

  private mutating func electionHeard(_ message: ElectionMessage, _ now: Instant) {
    storms.record(now: now, window: configuration.stormWindow)
    if case .leading = state {
      // The announcement is also the answer.
      return send(.coordinator, now)
    }
    guard isEligible(at: now) else { return }
    guard outranks(id, message.sender) else {
      // A higher one stands: whoever was about to stand can as well wait for it.
      switch state {
      case .searching, .checking, .electing, .awaiting:
        if message.eligible {
          state = .awaiting(message.sender, until: jittered(configuration.coordinatorTimeout, now))
        }
      case .idle, .following, .takingOver, .leading, .stopped: break
      }
      return
    }
    switch state {
    // In a storm the wait is the point; the lower one was answered and waits as well.
    case .searching(let until): if !isQuiet(until, now) { startElection(.challenged, now) }
    case .following(let followed):
      // A leader that is heard here will speak for itself.
      if now - followed.heardAt > configuration.suspicion { startElection(.challenged, now) }
    case .checking: startElection(.challenged, now)
    case .idle, .electing, .awaiting, .takingOver, .leading, .stopped: break
    }
    if !isSpokenFor(now) { send(.answer, to: message.sender, now) }
  }

  /// Whether a challenger from below hears enough without an answer from here: an ELECTION is heard by all and
  /// says as much, and who waits for a higher one leaves the answer to that one. Without this the messages of
  /// an election grow with the square of the number of nodes.
  private func isSpokenFor(_ now: Instant) -> Bool {
    let recently = configuration.answerTimeout / 2
    switch state {
    case .electing: return stoodAt.map { now - $0 < recently } ?? false
    case .awaiting(_, let until): return until - now > configuration.coordinatorTimeout - recently
    case .idle, .searching, .following, .checking, .takingOver, .leading, .stopped: return false
    }
  }

  /// Whether this search is a back-off from a storm rather than a wait for a leader.
  private func isQuiet(_ until: Instant?, _ now: Instant) -> Bool {
    guard let until else { return true }
    return until - now > configuration.suspicion + configuration.jitter
  }

  private mutating func answerHeard(_ message: ElectionMessage, _ now: Instant) {
    guard message.to == id, outranks(message.sender, id), message.eligible else { return }
    switch state {
    case .electing:
      note(.electionAnswered(by: message.sender))
      state = .awaiting(message.sender, until: jittered(configuration.coordinatorTimeout, now))
    // Late, or one of several.
    case .idle, .searching, .following, .checking, .awaiting, .takingOver, .leading, .stopped: break
    }
  }

  private mutating func coordinatorHeard(_ message: ElectionMessage, _ now: Instant) {
    guard message.eligible else { return }
    switch state {
    case .idle, .stopped: break
    case .searching, .awaiting: follow(message, now)
    case .following(let followed):
      if message.sender == followed.id {
        refresh(followed, with: message, now)
      } else if outranks(message.sender, followed.id) || now - followed.heardAt > configuration.suspicion {
        follow(message, now)
      }
    case .checking(let followed, _):
      if message.sender == followed.id { refresh(followed, with: message, now) } else { follow(message, now) }
    case .electing(_, let forced):
      if outranks(message.sender, id) || !forced { follow(message, now) }
    case .takingOver(let followed, let askAgainAt, let until):
      if outranks(message.sender, id) || outranks(message.sender, followed.id) {
        follow(message, now)
      } else if message.sender == followed.id {
        let fresh = renewed(followed, by: message, now)
        state = .takingOver(fresh, askAgainAt: askAgainAt, until: until)
        repeatFarewell(to: message.sender, now)
      }
    case .leading(let own):
      if outranks(message.sender, id) { return follow(message, now) }
      splitBrain.record(message, own: own, margin: configuration.heartbeat, now: now)
      // After a heal both hear each other: the lower one yields when it hears this.
      if message.term >= own.term { note(.rivalHeard(message.sender, term: message.term)) }
      if message.term == own.term, highestTerm == own.term { raiseTerm() }
      reannounce(now)
    }
  }

  /// The heartbeat of the leader that is followed already.
  private mutating func refresh(_ followed: Followed, with message: ElectionMessage, _ now: Instant) {
    guard message.incarnation == followed.incarnation else { return follow(message, now) }
    let fresh = renewed(followed, by: message, now)
    state = .following(fresh)
    let isTurn = (message.sequence &+ UInt64(id.rawValue)).isMultiple(of: UInt64(configuration.presence))
    if message.term < highestTerm || isTurn { sayPresent(to: message.sender, now) }
    repeatFarewell(to: message.sender, now)
    considerPreemption(of: fresh, now)
  }

  private mutating func renewed(
    _ followed: Followed, by message: ElectionMessage, _ now: Instant
  ) -> Followed {
    var fresh = followed
    fresh.incarnation = message.incarnation
    fresh.term = message.term
    fresh.epoch = message.epoch
    fresh.heardAt = now
    fresh.suspectAt = jittered(configuration.suspicion, now)
    fresh.vouches = 0
    return fresh
  }

  private mutating func handoverRequested(_ message: ElectionMessage, _ now: Instant) {
    guard case .leading(var own) = state, message.to == id else { return }
    guard outranks(message.sender, id), message.eligible, !isFrozen(at: now) else {
      return send(.coordinator, now)
    }
    // A still higher one may ask meanwhile; the time to finish does not start anew for it.
    let started = own.drain == nil
    let until = own.drain?.until ?? (now + configuration.drainTimeout)
    var successor = message.sender
    if let former = own.drain?.successor, outranks(former, successor) { successor = former }
    own.drain = Leadership.Drain(successor: successor, until: until)
    state = .leading(own)
    send(.handoverAccepted, to: message.sender, now)
    guard started else { return }
    note(.draining(for: message.sender))
    // Without an epoch nothing was leased.
    if own.epoch == 0 { return finishHandover(now) }
    effects.append(.drainForHandover(to: message.sender))
  }

  private mutating func resignationHeard(
    _ message: ElectionMessage, _ reason: ResignReason, _ successor: NodeID?, _ now: Instant
  ) {
    switch state {
    case .following(let followed), .checking(let followed, _), .takingOver(let followed, _, _):
      guard followed.id == message.sender else { return }
      note(.leaderResigned(message.sender, reason))
    case .awaiting(let by, _): guard by == message.sender else { return }
    // The heartbeat may have been lost, but being named is enough.
    case .searching: guard successor == id else { return }
    case .electing: guard successor == id else { return }
    case .leading(let own):
      return splitBrain.record(message, own: own, margin: configuration.heartbeat, now: now)
    case .idle, .stopped: return
    }
    guard let successor else { return startElection(.leaderResigned, now) }
    guard successor == id else {
      // Leave the named one its time; without eligibility `startElection` finds out what to wait for.
      guard isEligible(at: now) else { return startElection(.leaderResigned, now) }
      state = .awaiting(successor, until: jittered(configuration.coordinatorTimeout, now))
      return
    }
    if isEligible(at: now), !isFrozen(at: now) { return lead(now) }
    startElection(.leaderResigned, now)
    // The others wait for this node: they need not.
    if !isEligible(at: now) { send(.resign(.ineligible, successor: nil), now) }
  }

  private mutating func queryHeard(_ message: ElectionMessage, _ suspect: NodeID, _ now: Instant) {
    switch state {
    case .leading: send(.coordinator, now)
    case .following(let followed), .takingOver(let followed, _, _):
      let heard = now - followed.heardAt <= configuration.suspicion
      if followed.id == suspect, heard { send(.leaderHeard(suspect), to: message.sender, now) }
    case .idle, .searching, .checking, .electing, .awaiting, .stopped: break
    }
  }

  private mutating func vouchHeard(_ message: ElectionMessage, _ leader: NodeID, _ now: Instant) {
    guard message.to == id else { return }
    switch state {
    case .checking(var followed, _):
      guard followed.id == leader else { return }
      note(.leaderVouched(leader, by: message.sender))
      followed.vouches += 1
      followed.suspectAt = jittered(configuration.suspicion, now)
      state = .following(followed)
    case .idle, .searching, .following, .electing, .awaiting, .takingOver, .leading, .stopped: break
    }
  }
}
