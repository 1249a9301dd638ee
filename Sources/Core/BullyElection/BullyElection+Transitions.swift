import CoreTime

/// The moves between states, and the small tools that they share.
extension BullyElection {
  // MARK: Tools

  mutating func note(_ note: Note) { effects.append(.note(note)) }

  mutating func send(_ kind: ElectionMessage.Kind, to: NodeID? = nil, _ now: Instant) {
    send(kind, to: to, eligible: isEligible(at: now))
  }

  private mutating func send(_ kind: ElectionMessage.Kind, to: NodeID? = nil, eligible: Bool) {
    sequence += 1
    var term = highestTerm
    var epoch: UInt64 = 0
    if case .leading(let own) = state { (term, epoch) = (own.term, own.epoch) }
    effects.append(
      .send(
        ElectionMessage(
          lane: configuration.lane, sender: id, incarnation: incarnation, sequence: sequence, term: term,
          epoch: epoch, eligible: eligible, to: to, kind: kind)))
  }

  /// `now` + `wait` + up to the configured jitter.
  mutating func jittered(_ wait: Duration, _ now: Instant) -> Instant {
    now + wait + random(upTo: configuration.jitter)
  }

  mutating func random(upTo bound: Duration) -> Duration {
    .nanoseconds(Int64.random(in: 0...max(0, bound.nanosecondsClamped), using: &generator))
  }

  // MARK: Standing and leading

  mutating func startElection(_ reason: ElectionReason, forced: Bool = false, _ now: Instant) {
    guard isEligible(at: now) else {
      state = .searching(until: reportedEligible ? heldOffUntil : nil)
      return
    }
    if let count = stormSize(now) {
      note(.storm(elections: count))
      state = .searching(until: now + configuration.stormBackoff + random(upTo: configuration.stormBackoff))
      return
    }
    storms.record(now: now, window: configuration.stormWindow)
    note(.electionStarted(reason))
    state = .electing(until: jittered(configuration.answerTimeout, now), forced: forced)
    send(.election, now)
  }

  /// The number of elections in the window, if they are more than n².
  private mutating func stormSize(_ now: Instant) -> Int? {
    // One that is alone still starts over a few times before that is a storm.
    let nodes = max(2, peers.count(since: now - .seconds(30)) + 1)
    let count = storms.count(now: now, window: configuration.stormWindow)
    return count >= min(nodes * nodes, 4_096) ? count : nil
  }

  mutating func lead(_ now: Instant) {
    highestTerm += 1
    let term = highestTerm
    state = .leading(
      Leadership(
        term: term, nextHeartbeat: now + configuration.heartbeat,
        claim: .asking(until: now + configuration.claimTimeout), drain: nil))
    note(.leading(term: term))
    send(.coordinator, now)
    effects.append(.becameLeader(term: term))
  }

  /// Makes this leader's term exceed every other and says so.
  mutating func reannounce(_ now: Instant) {
    guard case .leading(var own) = state else { return }
    if highestTerm > own.term {
      highestTerm += 1
      own.term = highestTerm
    }
    own.nextHeartbeat = now + configuration.heartbeat
    state = .leading(own)
    send(.coordinator, now)
  }

  /// Stops leading of one's own accord. The shell stops first, only then the others learn of it.
  mutating func resign(
    _ reason: StopReason, saying resignation: ResignReason, successor: NodeID?, until: Instant?
  ) {
    note(.stoppedLeading(reason))
    effects.append(.stoppedLeading(reason))
    state = .searching(until: until)
    let mayLeadAgain = reportedEligible && (resignation == .handover || resignation == .paused)
    send(.resign(resignation, successor: successor), eligible: mayLeadAgain)
  }

  // MARK: Following

  mutating func follow(_ message: ElectionMessage, _ now: Instant) {
    if case .leading = state {
      note(.stoppedLeading(.yielded(to: message.sender)))
      effects.append(.stoppedLeading(.yielded(to: message.sender)))
    }
    let followed = Followed(
      id: message.sender, incarnation: message.incarnation, term: message.term, epoch: message.epoch,
      heardAt: now, suspectAt: jittered(configuration.suspicion, now))
    if leader?.id != message.sender || leader?.incarnation != message.incarnation {
      note(.following(message.sender, term: message.term))
    }
    state = .following(followed)
    if message.term < highestTerm {
      // A leader that came up without having heard of older terms: tell it, so that terms only grow.
      send(.leaderHeard(message.sender), to: message.sender, now)
    }
    considerPreemption(of: followed, now)
  }

  /// A lower id leads: make it make way, as the policy says.
  mutating func considerPreemption(of followed: Followed, _ now: Instant) {
    guard followed.id < id, isEligible(at: now) else { return }
    switch configuration.preempt {
    case .never: break
    // In a storm the lower one may as well lead on; its next heartbeat comes back here.
    case .immediate: if stormSize(now) == nil { startElection(.preempt, forced: true, now) }
    case .whenIdle:
      note(.handoverRequested(of: followed.id))
      state = .takingOver(
        followed, askAgainAt: now + configuration.heartbeat * 3, until: now + configuration.handoverTimeout)
      send(.handoverRequest, to: followed.id, now)
    }
  }

  // MARK: Pauses

  /// After a pause the view is old: what would act on it listens first, and a leader steps back.
  mutating func handleLateness(_ now: Instant) {
    guard let deadline = nextDeadline else { return }
    guard now - deadline > configuration.lateTimerTolerance else {
      if now >= deadline { lateInARow = 0 }
      return
    }
    note(.pausedFor(now - deadline))
    if case .leading = state {
      return resign(
        .paused, saying: .paused, successor: nil, until: jittered(configuration.suspicion, now))
    }
    // A machine that is always late must still get somewhere.
    lateInARow += 1
    guard lateInARow < 3 else { return }
    let again = jittered(configuration.suspicion, now)
    switch state {
    case .idle, .stopped, .leading: break
    case .searching: state = .searching(until: again)
    case .following(var followed):
      followed.suspectAt = again
      state = .following(followed)
    case .checking(var followed, _):
      followed.suspectAt = again
      state = .following(followed)
    case .electing(_, let forced): state = .electing(until: again, forced: forced)
    case .awaiting(let by, _): state = .awaiting(by, until: again)
    case .takingOver(var followed, _, let until):
      followed.suspectAt = again
      state = .takingOver(followed, askAgainAt: again, until: max(until, again))
    }
  }
}
