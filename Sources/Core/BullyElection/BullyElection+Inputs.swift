import CoreTime

/// The inputs other than messages and timers.
extension BullyElection {
  mutating func start(_ now: Instant) {
    guard case .idle = state else { return }
    note(.started)
    listenUntil = jittered(configuration.suspicion, now)
    state = .searching(until: isEligible(at: now) ? listenUntil : nil)
  }

  mutating func becomeEligible(_ now: Instant) {
    guard !reportedEligible else { return }
    reportedEligible = true
    note(.eligible)
    switch state {
    case .searching: state = .searching(until: max(listenUntil, jittered(.zero, now)))
    case .following(let followed):
      considerPreemption(of: followed, now)
      sayPresent(to: followed.id, now)
    // Without eligibility a node is in none of the others, or it waits there for something else.
    case .idle, .checking, .electing, .awaiting, .takingOver, .leading, .stopped: break
    }
  }

  mutating func becomeIneligible(_ reason: IneligibleReason, _ now: Instant) {
    guard reportedEligible else { return }
    reportedEligible = false
    note(.ineligible(reason))
    switch state {
    case .leading:
      resign(.ineligible(reason), saying: .ineligible, successor: liveSuccessor(now), until: nil, now)
    case .electing, .awaiting:
      state = .searching(until: nil)
      // Those who were answered by this node should not wait for it.
      send(.resign(.ineligible, successor: nil), now)
    case .searching: state = .searching(until: nil)
    // The leader must not name this node its successor, and need not make way for it.
    case .takingOver(let followed, _, _):
      state = .following(followed)
      sayPresent(to: followed.id, now)
    case .following(let followed), .checking(let followed, _): sayPresent(to: followed.id, now)
    case .idle, .stopped: break
    }
  }

  mutating func epochGranted(_ epoch: UInt64, _ now: Instant) {
    guard case .leading(var own) = state else {
      // The answer crossed a step back: the shell holds an epoch that it must not use.
      if state != .idle && state != .stopped { effects.append(.stoppedLeading(.notLeading)) }
      return
    }
    // A late answer to an older claim. The same epoch again is fine: the queue lets a holder resume.
    guard epoch >= highestEpochGranted else { return }
    highestEpochGranted = epoch
    own.claim = .granted(epoch)
    own.tally.lastEpoch = epoch
    if own.tally.firstEpoch == 0 { own.tally.firstEpoch = epoch }
    own.nextHeartbeat = now + configuration.heartbeat
    state = .leading(own)
    note(.epochGranted(epoch))
    send(.coordinator, now)
  }

  mutating func epochLost(_ now: Instant) {
    guard case .leading(var own) = state else { return }
    if own.drain != nil { return finishHandover(now) }
    guard case .granted = own.claim else { return }
    note(.stoppedLeading(.epochLost))
    effects.append(.stoppedLeading(.epochLost))
    own.claim = .asking(until: now + configuration.claimTimeout)
    state = .leading(own)
    effects.append(.becameLeader(term: own.term))
  }

  mutating func claimDenied(_ holder: NodeID?, _ now: Instant) {
    guard case .leading(var own) = state else { return }
    switch own.claim {
    case .asking(let until):
      // The holder may be dead: its lease runs out at the queue. Until then ask again, within the bound.
      note(.claimDenied(holder: holder))
      if holder != nil { own.tally.refusedClaims.increase(by: 1) }
      own.claim = .refused(retryAt: jittered(configuration.claimRetry, now), until: until)
      state = .leading(own)
    case .refused, .granted: break
    }
  }

  mutating func finishHandover(_ now: Instant) {
    guard case .leading(let own) = state, let drain = own.drain else { return }
    resign(
      .handedOver(to: drain.successor), saying: .handover, successor: drain.successor,
      until: jittered(configuration.suspicion, now), now)
  }

  mutating func actionsRefused(_ count: UInt32) {
    if case .leading(var own) = state {
      own.tally.refusedActions.increase(by: count)
      state = .leading(own)
    } else {
      farewell?.record.refusedActions.increase(by: count)
    }
  }

  mutating func stop(_ now: Instant) {
    switch state {
    case .idle: break
    case .stopped: return
    case .leading: resign(.stopping, saying: .stopping, successor: liveSuccessor(now), until: nil, now)
    case .searching, .following, .checking, .electing, .awaiting, .takingOver:
      reportedEligible = false
      send(.resign(.stopping, successor: nil), now)
    }
    state = .stopped
    note(.stopped)
  }
}

extension UInt32 {
  /// Stops at the largest value.
  mutating func increase(by count: UInt32) {
    let (sum, overflow) = addingReportingOverflow(count)
    self = overflow ? .max : sum
  }
}
