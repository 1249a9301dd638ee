import CoreTime

/// Getting the epoch and giving it back.
extension LeaderWork {
  mutating func lead(_ term: UInt64, _ now: Instant) {
    guard !isStopping else { return }
    // A handover that the election has forgotten about.
    if draining == .handover { draining = nil }
    wanted = term
    switch state {
    case .idle: claim(term, now)
    case .claiming(let call, _, _): state = .abandoning(call: call, epoch: nil)
    case .holding(let office): end(office, giveBack: "a new term", now)
    case .abandoning, .releasing: break
    }
  }

  mutating func stopLeading(_ now: Instant) {
    wanted = nil
    if draining == .handover { draining = nil }
    switch state {
    case .claiming(let call, _, _): state = .abandoning(call: call, epoch: nil)
    case .holding(let office): end(office, giveBack: "no longer the leader", now)
    case .idle, .abandoning, .releasing: break
    }
  }

  mutating func drain(_ purpose: DrainPurpose, until: Instant, _ now: Instant) {
    if purpose == .shutdown { isStopping = true }
    // A handover must not take the place of a drain that somebody waits for: the election may forget about
    // it, and has a bound of its own.
    if draining == nil || draining == .handover || purpose == .shutdown { draining = purpose }
    wanted = nil
    switch state {
    case .idle: settle(now)
    case .claiming(let call, _, _): state = .abandoning(call: call, epoch: nil)
    case .holding(var office):
      if office.drainUntil == nil { effects.append(.note(.handingOver(epoch: office.epoch))) }
      office.drainUntil = min(office.drainUntil ?? until, until)
      state = .holding(office)
    case .abandoning, .releasing: break
    }
  }

  mutating func claimAnswered(_ call: UInt64, _ answer: ClaimAnswer, _ now: Instant) {
    switch state {
    case .claiming(call, let term, let sentAt):
      switch answer {
      case .granted(let epoch, let lease):
        unreachableSince = nil
        let trust = TrustWindow(start: sentAt, lease: lease)
        // The queue resumed a leadership that the election has ended since, or the answer took too long to be
        // of use: a new leadership needs a new epoch.
        guard epoch > announced, trust.isTrusted(at: now) else {
          wanted = term
          return release(epoch, "a new term")
        }
        hold(epoch, term, trust, now)
      case .held(let holder, _):
        unreachableSince = nil
        denied(holder, now)
      case .failed: claimFailed(now)
      }
    case .abandoning(call, let held):
      switch answer {
      case .granted(let epoch, _): release(epoch, "not wanted any more")
      case .held: settle(now)
      case .failed: if let held { release(held, "not wanted any more") } else { settle(now) }
      }
    case .holding(let office):
      if case .confirming(call, let sentAt) = office.stream { confirmed(office, answer, sentAt: sentAt, now) }
    case .idle, .claiming, .abandoning, .releasing: break
    }
  }

  mutating func resignAnswered(_ call: UInt64, _ now: Instant) {
    guard case .releasing(call, let farewell) = state else { return }
    if let farewell { effects.append(.closeStream(farewell.stream)) }
    settle(now)
  }

  /// Leaves office and gives the epoch back. The stream is closed after that: its end would let the next
  /// leader in while what was cancelled still runs.
  mutating func end(_ office: Office, giveBack reason: String, _ now: Instant) {
    abandonWork(office, code: "resigned")
    switch office.stream {
    // A claim that is under way could bring a new epoch after the old one was given back.
    case .confirming(let call, _): state = .abandoning(call: call, epoch: office.epoch)
    case .broken: release(office.epoch, reason)
    case .open(let stream):
      // Nothing is renewed any more: the leadership is not to be counted on beyond its trust window.
      let closeAt = min(now + configuration.farewell, office.trust.until)
      release(office.epoch, reason, closing: Farewell(stream: stream, closeAt: closeAt))
    }
  }

  /// What was cancelled takes too long to end: the stream's end tells the queue.
  mutating func endFarewell(_ now: Instant) {
    guard case .releasing(let call, let farewell?) = state, now >= farewell.closeAt else { return }
    effects.append(.closeStream(farewell.stream))
    state = .releasing(call: call, stream: nil)
  }

  /// Nothing is held and nothing is asked for: what comes next.
  mutating func settle(_ now: Instant) {
    state = .idle
    if let purpose = draining {
      draining = nil
      effects.append(.drained(purpose))
    }
    if let term = wanted { claim(term, now) }
  }

  mutating func nextCall() -> UInt64 {
    lastCall += 1
    return lastCall
  }

  private mutating func claim(_ term: UInt64, _ now: Instant) {
    wanted = nil
    let call = nextCall()
    state = .claiming(call: call, term: term, sentAt: now)
    effects.append(.claim(call: call, term: term))
  }

  private mutating func release(_ epoch: UInt64, _ reason: String, closing stream: Farewell? = nil) {
    let call = nextCall()
    state = .releasing(call: call, stream: stream)
    effects.append(.resign(call: call, epoch: epoch, reason: reason))
  }

  private mutating func hold(_ epoch: UInt64, _ term: UInt64, _ trust: TrustWindow, _ now: Instant) {
    announced = epoch
    effects.append(.note(.granted(epoch: epoch, term: term)))
    effects.append(.tellGranted(epoch: epoch))
    open(Office(epoch: epoch, term: term, trust: trust, stream: .broken(askAt: now)))
  }

  private mutating func denied(_ holder: Int?, _ now: Instant) {
    effects.append(.tellDenied(holder: holder))
    settle(now)
  }

  private mutating func claimFailed(_ now: Instant) {
    let since = unreachableSince ?? now
    unreachableSince = since
    guard now - since >= configuration.patience else { return denied(nil, now) }
    unreachableSince = nil
    effects.append(.queueLost)
    settle(now)
  }
}
