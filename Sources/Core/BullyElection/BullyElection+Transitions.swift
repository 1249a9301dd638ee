import CoreTime

/// The moves between states, and the small tools that they share.
extension BullyElection {
  // MARK: Tools

  mutating func note(_ note: Note) { effects.append(.note(note)) }

  mutating func send(_ kind: ElectionMessage.Kind, to: NodeID? = nil, _ now: Instant) {
    var record: LeadershipRecord?
    if kind == .coordinator, case .leading(let own) = state { record = Self.record(of: own, now) }
    send(kind, to: to, eligible: isEligible(at: now), record: record)
  }

  private static func record(of own: Leadership, _ now: Instant) -> LeadershipRecord {
    LeadershipRecord(
      term: own.term,
      ledFor: min(UInt64(clamping: (now - own.started).millisecondsClamped), LeadershipRecord.longest),
      firstEpoch: own.tally.firstEpoch, lastEpoch: own.tally.lastEpoch,
      refusedClaims: own.tally.refusedClaims, refusedActions: own.tally.refusedActions)
  }

  private mutating func send(
    _ kind: ElectionMessage.Kind, to: NodeID? = nil, eligible: Bool, record: LeadershipRecord? = nil
  ) {
    sequence += 1
    var term = highestTerm
    var epoch: UInt64 = 0
    if case .leading(let own) = state { (term, epoch) = (own.term, own.epoch) }
    effects.append(
      .send(
        ElectionMessage(
          lane: configuration.lane, sender: id, incarnation: incarnation, sequence: sequence, term: term,
          epoch: epoch, eligible: eligible, to: to, kind: kind, record: record)))
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
    guard !isFrozen(at: now) else { return holdBack(reason, now) }
    if let count = stormSize(now) {
      note(.storm(elections: count))
      state = .searching(until: now + configuration.stormBackoff + random(upTo: configuration.stormBackoff))
      return
    }
    storms.record(now: now, window: configuration.stormWindow)
    note(.electionStarted(reason))
    state = .electing(until: jittered(configuration.answerTimeout, now), forced: forced)
    stoodAt = now
    send(.election, now)
  }

  /// What a node does instead of standing while the election is frozen.
  private mutating func holdBack(_ reason: ElectionReason, _ now: Instant) {
    switch state {
    case .following(let followed), .checking(let followed, _), .takingOver(let followed, _, _):
      if reason == .leaderResigned { holdWithoutLeader(now) } else { hold(followed, now) }
    case .idle, .searching, .electing, .awaiting, .leading, .stopped: holdWithoutLeader(now)
    }
  }

  /// The number of elections in the window, if they are more than n².
  private mutating func stormSize(_ now: Instant) -> Int? {
    // One that is alone still starts over a few times before that is a storm.
    let nodes = max(2, peers.count(since: now - .seconds(30)) + 1)
    let count = storms.count(now: now, window: configuration.stormWindow)
    return count >= min(nodes * nodes, 4_096) ? count : nil
  }

  mutating func lead(_ now: Instant) {
    raiseTerm()
    let term = highestTerm
    state = .leading(
      Leadership(
        term: term, nextHeartbeat: now + configuration.heartbeat,
        claim: .asking(until: now + configuration.claimTimeout), drain: nil, started: now))
    farewell = nil
    note(.leading(term: term))
    send(.coordinator, now)
    effects.append(.becameLeader(term: term))
  }

  /// Never beyond what peers take: one that said the largest term must not make all later leaders unheard.
  mutating func raiseTerm() { highestTerm = min(highestTerm + 1, Self.maximumTerm) }

  /// Makes this leader's term exceed every other and says so.
  mutating func reannounce(_ now: Instant) {
    guard case .leading(var own) = state else { return }
    if highestTerm > own.term {
      raiseTerm()
      own.term = highestTerm
    }
    own.nextHeartbeat = now + configuration.heartbeat
    state = .leading(own)
    send(.coordinator, now)
  }

  /// Stops leading of one's own accord. The shell stops first, only then the others learn of it.
  mutating func resign(
    _ reason: StopReason, saying resignation: ResignReason, successor: NodeID?, until: Instant?,
    _ now: Instant
  ) {
    var record: LeadershipRecord?
    if case .leading(let own) = state {
      let last = Self.record(of: own, now)
      switch resignation {
      // Cut off or asleep: whoever leads by now may not hear this, and is told when it is heard here.
      case .ineligible, .paused: farewell = Farewell(record: last, reason: resignation, endedAt: now)
      case .stopping, .handover, .yielded: farewell = nil
      }
      record = last
      tellSplitBrain(own, now, evenIfOpen: true)
    }
    note(.stoppedLeading(reason))
    effects.append(.stoppedLeading(reason))
    state = .searching(until: until)
    let mayLeadAgain = reportedEligible && (resignation == .handover || resignation == .paused)
    send(.resign(resignation, successor: successor), eligible: mayLeadAgain, record: record)
  }

  /// The highest of the others that could lead, by what they said lately. They say so in their elections and,
  /// as followers, once in `presence` messages of the leader.
  func liveSuccessor(_ now: Instant) -> NodeID? {
    let silence = max(configuration.heartbeat * configuration.presence * 3, configuration.suspicion * 2)
    return peers.eligible(since: now - silence).max { outranks($1, $0) }
  }

  /// Says who is followed and whether this node could lead.
  mutating func sayPresent(to leader: NodeID, _ now: Instant) { send(.leaderHeard(leader), to: leader, now) }

  /// Steps down for one that outranks this leader, and says what this leadership was.
  private mutating func yield(_ own: Leadership, to winner: NodeID, _ now: Instant) {
    note(.stoppedLeading(.yielded(to: winner)))
    effects.append(.stoppedLeading(.yielded(to: winner)))
    splitBrain.forget()
    let record = Self.record(of: own, now)
    farewell = Farewell(record: record, reason: .yielded, endedAt: now)
    state = .searching(until: nil)
    send(.resign(.yielded, successor: winner), eligible: isEligible(at: now), record: record)
  }

  /// Again, as the first may have been lost.
  mutating func repeatFarewell(to winner: NodeID, _ now: Instant) {
    guard var last = farewell else { return }
    last.left -= 1
    farewell = last.left > 0 ? last : nil
    last.record.endedAgo = UInt32(clamping: (now - last.endedAt).millisecondsClamped)
    send(.resign(last.reason, successor: winner), eligible: isEligible(at: now), record: last.record)
  }

  mutating func tellSplitBrain(_ own: Leadership, _ now: Instant, evenIfOpen: Bool = false) {
    let story = splitBrain.conclude(
      id: id, incarnation: incarnation, own: own, patience: configuration.suspicion, now: now,
      evenIfOpen: evenIfOpen)
    if let story { note(.splitBrain(story)) }
  }

  // MARK: Following

  mutating func follow(_ message: ElectionMessage, _ now: Instant) {
    // Read before yielding, which forgets it.
    let before = leader
    if case .leading(let own) = state { yield(own, to: message.sender, now) }
    let followed = Followed(
      id: message.sender, incarnation: message.incarnation, term: message.term, epoch: message.epoch,
      heardAt: now, suspectAt: jittered(configuration.suspicion, now))
    if before?.id != message.sender || before?.incarnation != message.incarnation {
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
    guard outranks(id, followed.id), isEligible(at: now), !isFrozen(at: now) else { return }
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
        .paused, saying: .paused, successor: nil, until: jittered(configuration.suspicion, now), now)
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
