package import CoreTime

/// An order that the queue handed out. Body and clock stay with the shell, by the order's id.
package struct WorkDelivery<ID: Hashable & Sendable>: Sendable, Hashable {
  package var order: ID
  /// 1 or more.
  package var attempt: Int
  /// For how long the queue keeps it for this executor without a touch.
  package var lease: Duration

  package init(order: ID, attempt: Int, lease: Duration) {
    self.order = order
    self.attempt = attempt
    self.lease = lease
  }
}

/// What an execution came to.
package enum WorkResult: Sendable, Hashable {
  /// Carried out.
  case done(note: String)
  /// Not now; the queue's backoff decides when.
  case tryAgain(reason: String)
  /// Trying again cannot help.
  case failed(reason: String)
}

extension LeaderWork {
  /// What can happen to the machine. Whatever names a call, a stream or an epoch that is over is ignored, or
  /// undone where ignoring it would leave an epoch without a master.
  package enum Input: Sendable, Hashable {
    /// The election's `becameLeader`. What was led before is over.
    case lead(term: UInt64)
    /// The election's `stoppedLeading`: lease no more, stop acting, give the epoch back.
    case stopLeading
    /// Take no more orders, finish what runs at the latest at `until`, hand the rest back, give the epoch
    /// back; then `drained`. A second drain can only shorten the time.
    case drain(DrainPurpose, until: Instant)
    /// The answer to `claim`. Every claim gets exactly one; the shell's deadline for it counts as `failed`.
    case claimAnswered(call: UInt64, ClaimAnswer)
    /// The answer to `resign`, failed or not. Every resign gets exactly one.
    case resignAnswered(call: UInt64)
    /// The stream ended, in whatever way, or could not be opened. Also after `closeStream`, where it is
    /// ignored.
    case streamClosed(UInt64)
    case delivered(stream: UInt64, WorkDelivery<ID>)
    /// The queue's answer to an ack or nack; for touches only errors are of interest, and only to people.
    case settled(stream: UInt64, ID, SettleAnswer)
    /// The queue's answer to `renew`.
    case renewed(stream: UInt64, lease: Duration)
    /// The queue says that the epoch is not (or no longer) this executor's. 0 and nil where it didn't say.
    case fenced(stream: UInt64, current: UInt64, holder: Int?)
    /// An execution ended. Exactly one for each `execute`, also after `cancelExecutions`.
    case executed(ID, epoch: UInt64, WorkResult)
    /// The timer of the last `setTimer` fired. Early and repeated firing is harmless.
    case timerFired
  }

  package enum ClaimAnswer: Sendable, Hashable {
    /// Granted or resumed. `lease`: how long the leadership lasts without a renewal, at the queue.
    case granted(epoch: UInt64, lease: Duration)
    case held(by: Int?, epoch: UInt64)
    /// No answer, or one that says nothing.
    case failed
  }

  package enum SettleAnswer: Sendable, Hashable {
    case accepted
    /// Try again in a moment (the store is busy, say).
    case retry
    case refused(code: String)
  }

  package enum DrainPurpose: Sendable, Hashable {
    /// A higher id asked for it; the shell tells the election `handoverFinished`.
    case handover
    /// An operator asked for it; the machine leads again when the election says so.
    case stepDown
    /// The process ends: no `lead` is followed any more.
    case shutdown
  }

  /// What the shell has to do, in this order.
  package enum Effect: Sendable, Hashable {
    /// Call `Claim` with a deadline (1 s is usual).
    case claim(call: UInt64, term: UInt64)
    /// Call `Resign` with a deadline (500 ms is usual), once what was cancelled under this epoch has ended.
    case resign(call: UInt64, epoch: UInt64, reason: String)
    /// Open a work stream under this epoch; it may be written to at once.
    case openStream(UInt64, epoch: UInt64)
    case closeStream(UInt64)
    /// Write to the stream, in order. A stream that is gone loses it; `streamClosed` is what counts.
    case send(stream: UInt64, Command)
    /// Carry it out. OrderID is the idempotency key and `epoch` the fencing token of the effect.
    case execute(WorkDelivery<ID>, epoch: UInt64)
    /// Stop what still runs under that epoch. It may have had its effect already; its result has no say.
    case cancelExecutions(epoch: UInt64)
    /// Tell the election `epochGranted`; from now on this executor acts.
    case tellGranted(epoch: UInt64)
    /// Tell the election `epochLost`.
    case tellLost
    /// Tell the election `claimDenied`.
    case tellDenied(holder: Int?)
    /// The queue is out of reach: this executor must not lead (`becameIneligible(.queueUnreachable)`) until a
    /// probe reaches it again.
    case queueLost
    case drained(DrainPurpose)
    /// The one timer; replaces the one before. Nil disarms it.
    case setTimer(Instant?)
    /// For the journal.
    case note(Note)
  }

  /// What goes to the queue on the work stream; the shell adds the fence (lane and the stream's epoch).
  package enum Command: Sendable, Hashable {
    /// So many more orders may be delivered.
    case credits(Int)
    case ack(ID, note: String)
    /// It comes back after the queue's backoff.
    case nack(ID, reason: String)
    /// Never begun; does not count as an attempt.
    case handBack(ID)
    /// Becomes a dead letter.
    case bury(ID, reason: String)
    case touch(ID, lease: Duration)
    case renew
  }

  /// How an order was left. The raw values are the names of the metric.
  package enum Outcome: String, Sendable, Hashable, CaseIterable { case executed, failed, retried, returned }

  package enum Note: Sendable, Hashable {
    case granted(epoch: UInt64, term: UInt64)
    /// After a break of the stream.
    case confirmed(epoch: UInt64)
    case streamBroke(epoch: UInt64)
    case began(ID, epoch: UInt64, attempt: Int)
    /// The queue has confirmed it.
    case settled(ID, epoch: UInt64, attempt: Int, Outcome)
    /// The queue does not take it, or the epoch moved on before it did.
    case refused(ID, epoch: UInt64, attempt: Int, Outcome, code: String)
    /// The result came when this executor had no say any more.
    case leftToNext(ID, epoch: UInt64)
    /// Another epoch is current; 0 and nil where the queue didn't say.
    case fenced(epoch: UInt64, current: UInt64, holder: Int?)
    /// The trust window ran out.
    case lapsed(epoch: UInt64)
    case handingOver(epoch: UInt64)
  }
}
