import CoreTime

/// One order: from its delivery to the queue's word on its outcome.
extension LeaderWork {
  mutating func delivered(_ stream: UInt64, _ delivery: WorkDelivery<ID>, _ now: Instant) {
    guard case .holding(var office) = state, office.stream == .open(stream) else { return }
    let order = delivery.order
    office.granted = max(0, office.granted - 1)
    defer { state = .holding(office) }
    // After a break or the end of a lease the queue may deliver anew what still runs here, or whose outcome
    // is on its way.
    guard office.running[order] == nil, office.pending[order] == nil else { return }
    lastSerial += 1
    // More than was granted, or it crossed the drain: back with it.
    guard office.drainUntil == nil, office.running.count < configuration.credits else {
      return conclude(order, .handBack(order), .returned, attempt: delivery.attempt, &office)
    }
    office.running[order] = Office.Run(
      serial: lastSerial, attempt: delivery.attempt, lease: delivery.lease,
      touchAt: now + Self.touchPeriod(delivery.lease))
    effects.append(.note(.began(order, epoch: office.epoch, attempt: delivery.attempt)))
    effects.append(.execute(delivery, epoch: office.epoch))
  }

  /// A result counts only under the epoch that began it, and only while that one is trusted.
  mutating func executed(_ order: ID, _ epoch: UInt64, _ result: WorkResult, _ now: Instant) {
    guard case .holding(var office) = state, office.epoch == epoch,
      let run = office.running.removeValue(forKey: order)
    else {
      effects.append(.note(.leftToNext(order, epoch: epoch)))
      return
    }
    switch result {
    case .done(let note):
      conclude(order, .ack(order, note: note), .executed, attempt: run.attempt, &office)
    case .tryAgain(let reason):
      conclude(order, .nack(order, reason: reason), .retried, attempt: run.attempt, &office)
    case .failed(let reason):
      conclude(order, .bury(order, reason: reason), .failed, attempt: run.attempt, &office)
    }
    state = .holding(office)
  }

  mutating func settled(_ stream: UInt64, _ order: ID, _ answer: SettleAnswer, _ now: Instant) {
    guard case .holding(var office) = state, office.stream == .open(stream),
      let waiting = office.pending[order]
    else { return }
    switch answer {
    case .retry: office.pending[order]?.sendAgainAt = now + configuration.sendAgainAfter
    case .accepted:
      office.pending[order] = nil
      effects.append(
        .note(.settled(order, epoch: office.epoch, attempt: waiting.attempt, waiting.outcome)))
    case .refused(let code):
      office.pending[order] = nil
      effects.append(
        .note(
          .refused(order, epoch: office.epoch, attempt: waiting.attempt, waiting.outcome, code: code)))
    }
    state = .holding(office)
  }

  /// Kept until the queue confirms it; sent with the next stream when there is none now.
  private mutating func conclude(
    _ order: ID, _ command: Command, _ outcome: Outcome, attempt: Int, _ office: inout Office
  ) {
    lastSerial += 1
    office.pending[order] = Office.Pending(
      serial: lastSerial, command: command, outcome: outcome, attempt: attempt, sendAgainAt: nil)
    if case .open(let stream) = office.stream { effects.append(.send(stream: stream, command)) }
  }
}
