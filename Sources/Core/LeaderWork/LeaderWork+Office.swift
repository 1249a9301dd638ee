import CoreTime

/// The work stream, and the time for which the leadership may be trusted.
extension LeaderWork {
  /// Opens a stream, with all that the queue has not confirmed first: it may have taken some of it before the
  /// old stream broke, and knows it again.
  mutating func open(_ before: Office) {
    var office = before
    lastStream += 1
    let stream = lastStream
    office.stream = .open(stream)
    office.granted = 0
    effects.append(.openStream(stream, epoch: office.epoch))
    for (order, waiting) in office.pending.sorted(by: { $0.value.serial < $1.value.serial }) {
      office.pending[order]?.sendAgainAt = nil
      effects.append(.send(stream: stream, waiting.command))
    }
    state = .holding(office)
  }

  mutating func streamClosed(_ stream: UInt64, _ now: Instant) {
    guard case .holding(var office) = state, office.stream == .open(stream) else { return }
    effects.append(.note(.streamBroke(epoch: office.epoch)))
    office.trust.renewalLost()
    office.stream = .broken(askAt: askAgainAt(now))
    state = .holding(office)
  }

  /// The answer to whether this is still the leader.
  mutating func confirmed(_ before: Office, _ answer: ClaimAnswer, sentAt: Instant, _ now: Instant) {
    var office = before
    switch answer {
    case .granted(office.epoch, let lease):
      office.trust = TrustWindow(start: sentAt, lease: lease)
      effects.append(.note(.confirmed(epoch: office.epoch)))
      open(office)
    case .granted(let epoch, _): loseEpoch(office, current: epoch, holder: nil)
    case .held(let holder, let epoch): loseEpoch(office, current: epoch, holder: holder)
    case .failed:
      // The trust window bounds how long this goes on.
      office.stream = .broken(askAt: askAgainAt(now))
      state = .holding(office)
    }
  }

  mutating func fenced(_ stream: UInt64, _ current: UInt64, _ holder: Int?) {
    guard case .holding(let office) = state, office.stream == .open(stream) else { return }
    loseEpoch(office, current: current, holder: holder)
  }

  /// Stops by itself when the trust window is over.
  mutating func lapse(_ now: Instant) {
    guard case .holding(let office) = state, !office.trust.isTrusted(at: now) else { return }
    effects.append(.note(.lapsed(epoch: office.epoch)))
    vacate(office, code: "lapsed")
    if case .confirming(let call, _) = office.stream {
      state = .abandoning(call: call, epoch: nil)
    } else {
      endDraining()
    }
    // After a pause nothing is known about the queue: the election, late as well, listens first.
    let isLate = now - office.trust.until > configuration.lateness
    effects.append(isLate ? .tellLost : .queueLost)
  }

  /// What is due: the drain's end, renewal, touches, repeats, the reconnect, new credits.
  mutating func tend(_ now: Instant) {
    guard case .holding(var office) = state else { return }
    if let until = office.drainUntil, now >= until || (office.running.isEmpty && office.pending.isEmpty) {
      return end(office, giveBack: "handed over", now)
    }
    switch office.stream {
    case .confirming: break
    case .broken(let askAt):
      guard now >= askAt else { break }
      let call = nextCall()
      office.stream = .confirming(call: call, sentAt: now)
      effects.append(.claim(call: call, term: office.term))
    case .open(let stream): tendStream(stream, &office, now)
    }
    state = .holding(office)
  }

  private mutating func tendStream(_ stream: UInt64, _ office: inout Office, _ now: Instant) {
    if let due = office.trust.renewalDueAt, now >= due {
      office.trust.renewalSent(at: now)
      effects.append(.send(stream: stream, .renew))
    }
    let touches = office.running.filter { now >= $0.value.touchAt }
    for (order, run) in touches.sorted(by: { $0.value.serial < $1.value.serial }) {
      office.running[order]?.touchAt = now + Self.touchPeriod(run.lease)
      effects.append(.send(stream: stream, .touch(order, lease: run.lease)))
    }
    let repeats = office.pending.filter { $0.value.sendAgainAt.map { now >= $0 } ?? false }
    for (order, waiting) in repeats.sorted(by: { $0.value.serial < $1.value.serial }) {
      office.pending[order]?.sendAgainAt = nil
      effects.append(.send(stream: stream, waiting.command))
    }
    // Less than is free when outcomes pile up that the queue has yet to confirm.
    guard office.drainUntil == nil, office.pending.count <= 4 * configuration.credits else { return }
    let free = configuration.credits - office.running.count - office.granted
    guard free > 0 else { return }
    office.granted += free
    effects.append(.send(stream: stream, .credits(free)))
  }

  /// The epoch is somebody else's, or nobody's.
  private mutating func loseEpoch(_ office: Office, current: UInt64, holder: Int?) {
    effects.append(.note(.fenced(epoch: office.epoch, current: current, holder: holder)))
    vacate(office, code: "unconfirmed")
    endDraining()
    effects.append(.tellLost)
  }

  /// The election learns otherwise that a handover is over; others wait for the word.
  private mutating func endDraining() {
    state = .idle
    guard let purpose = draining else { return }
    draining = nil
    if purpose != .handover { effects.append(.drained(purpose)) }
  }

  /// Ends everything that hangs on the office; the caller says what state follows.
  mutating func vacate(_ office: Office, code: String) {
    if case .open(let stream) = office.stream { effects.append(.closeStream(stream)) }
    abandonWork(office, code: code)
  }

  /// As `vacate`, but leaves the stream open.
  mutating func abandonWork(_ office: Office, code: String) {
    if !office.running.isEmpty { effects.append(.cancelExecutions(epoch: office.epoch)) }
    for (order, waiting) in office.pending.sorted(by: { $0.value.serial < $1.value.serial }) {
      effects.append(
        .note(
          .refused(order, epoch: office.epoch, attempt: waiting.attempt, waiting.outcome, code: code)))
    }
  }

  static func touchPeriod(_ lease: Duration) -> Duration { max(lease / 2, .milliseconds(50)) }

  mutating func inOffice(on stream: UInt64, _ change: (inout Office) -> Void) {
    guard case .holding(var office) = state, office.stream == .open(stream) else { return }
    change(&office)
    state = .holding(office)
  }

  private mutating func askAgainAt(_ now: Instant) -> Instant {
    let spread = configuration.reconnectDelay.nanosecondsClamped * 3
    return now + configuration.reconnectDelay + .nanoseconds(Int64(random.next() % UInt64(spread)))
  }
}
