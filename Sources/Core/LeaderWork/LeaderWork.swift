package import CoreTime
import Randomness

/// The limits of one executor's leadership. Values out of range are brought into it.
package struct LeaderWorkConfiguration: Sendable, Hashable {
  /// Orders carried out at a time. At least 1.
  package var credits: Int
  /// A queue that cannot be claimed from for this long makes the executor ineligible.
  package var patience: Duration
  /// The wait before a broken stream is opened again, without jitter, which is up to three times as much.
  package var reconnectDelay: Duration
  /// How long until an outcome is sent again that the queue asked to repeat.
  package var sendAgainAfter: Duration
  /// An input that comes so much later than the end of the trust window means that this process was paused,
  /// not that the queue is out of reach.
  package var lateness: Duration
  /// For how long the stream stays open at the most while the epoch is given back, which waits for what was
  /// cancelled to end.
  package var farewell: Duration

  package init(
    credits: Int = 4, patience: Duration = .milliseconds(1_500),
    reconnectDelay: Duration = .milliseconds(30), sendAgainAfter: Duration = .milliseconds(300),
    lateness: Duration = .milliseconds(300), farewell: Duration = .milliseconds(1_500)
  ) {
    self.credits = max(1, credits)
    self.patience = max(.zero, patience)
    self.reconnectDelay = max(.milliseconds(1), reconnectDelay)
    self.sendAgainAfter = max(.milliseconds(1), sendAgainAfter)
    self.lateness = max(.zero, lateness)
    self.farewell = max(.zero, farewell)
  }
}

/// What an executor does with the leadership that the election gives it, as a pure machine: claims the epoch,
/// keeps it while it may trust itself, takes orders, carries them out, and gives everything back.
///
/// The promise (DESIGN §4): an execution begins, and a result is reported, only while the trust window of the
/// epoch under which the order was delivered lasts. What began before and ends later is refused by the
/// machine itself, and by the queue's fence should it get there. One epoch serves one term: a leadership that
/// the election has ended is given back before the next is claimed.
package struct LeaderWork<ID: Hashable & Sendable>: Sendable {
  package let configuration: LeaderWorkConfiguration
  package internal(set) var state = State.idle

  /// The term to claim for as soon as the call that is under way is answered.
  var wanted: UInt64?
  /// Said when nothing is held any more.
  var draining: DrainPurpose?
  /// The last epoch that the election was told of.
  var announced: UInt64 = 0
  var unreachableSince: Instant?
  var isStopping = false
  var lastCall: UInt64 = 0
  var lastStream: UInt64 = 0
  var lastSerial: UInt64 = 0
  var random: SplitMix64
  var effects: [Effect] = []

  /// `seed` spreads the reconnects of several executors.
  package init(configuration: LeaderWorkConfiguration = LeaderWorkConfiguration(), seed: UInt64) {
    self.configuration = configuration
    random = SplitMix64(seed: seed)
  }

  package enum State: Sendable {
    /// Leads nothing. Can turn into `.claiming`.
    case idle
    /// Waits for the claim's answer. Can turn into `.holding`, `.idle` (denied), `.releasing` (an old epoch
    /// came back), `.abandoning` (not wanted any more).
    case claiming(call: UInt64, term: UInt64, sentAt: Instant)
    /// Waits for the answer to a claim that is not wanted any more, to give back what it may bring; `epoch`
    /// is what was held when it was sent. Can turn into `.releasing`, `.claiming`, `.idle`.
    case abandoning(call: UInt64, epoch: UInt64?)
    /// Leads. Can turn into `.releasing`, `.abandoning`, `.idle` (fenced or lapsed).
    case holding(Office)
    /// Waits until the epoch is given back. The queue takes the end of the stream for the end of the
    /// leadership, so that one stays open meanwhile, though not beyond its time. Can turn into `.claiming`,
    /// `.idle`.
    case releasing(call: UInt64, stream: Farewell?)
  }

  /// A stream that has only to be closed.
  package struct Farewell: Sendable, Hashable {
    package var stream: UInt64
    package var closeAt: Instant
  }

  /// One leadership under one epoch.
  package struct Office: Sendable {
    package let epoch: UInt64
    package let term: UInt64
    package internal(set) var trust: TrustWindow
    package internal(set) var stream: Stream
    /// What is being carried out.
    package internal(set) var running: [ID: Run] = [:]
    /// Outcomes that the queue has not confirmed.
    package internal(set) var pending: [ID: Pending] = [:]
    /// Credits that the queue has and has not used.
    var granted = 0
    package internal(set) var drainUntil: Instant?

    package enum Stream: Sendable, Hashable {
      /// Can turn into `.broken`.
      case open(UInt64)
      /// Can turn into `.confirming`.
      case broken(askAt: Instant)
      /// Asks the queue whether this is still the leader. Can turn into `.open`, `.broken`.
      case confirming(call: UInt64, sentAt: Instant)
    }

    package struct Run: Sendable, Hashable {
      var serial: UInt64
      package var attempt: Int
      var lease: Duration
      var touchAt: Instant
    }

    package struct Pending: Sendable, Hashable {
      var serial: UInt64
      var command: Command
      var outcome: Outcome
      var attempt: Int
      var sendAgainAt: Instant?
    }
  }

  /// Takes one input and returns what is to be done, in order. Nothing may happen between the two.
  package mutating func step(_ input: Input, now: Instant) -> [Effect] {
    let deadlineBefore = nextDeadline
    // Before all else: after a pause the trust may be over, whatever came in first.
    lapse(now)
    endFarewell(now)
    switch input {
    case .lead(let term): lead(term, now)
    case .stopLeading: stopLeading(now)
    case .drain(let purpose, let until): drain(purpose, until: until, now)
    case .claimAnswered(let call, let answer): claimAnswered(call, answer, now)
    case .resignAnswered(let call): resignAnswered(call, now)
    case .streamClosed(let stream): streamClosed(stream, now)
    case .delivered(let stream, let delivery): delivered(stream, delivery, now)
    case .settled(let stream, let order, let answer): settled(stream, order, answer, now)
    case .renewed(let stream, let lease): inOffice(on: stream) { $0.trust.renewed(lease: lease) }
    case .fenced(let stream, let current, let holder): fenced(stream, current, holder)
    case .executed(let order, let epoch, let result): executed(order, epoch, result, now)
    case .timerFired: break
    }
    tend(now)
    if nextDeadline != deadlineBefore || input == .timerFired { effects.append(.setTimer(nextDeadline)) }
    defer { effects = [] }
    return effects
  }

  /// When `timerFired` is wanted next.
  package var nextDeadline: Instant? {
    if case .releasing(_, let farewell) = state { return farewell?.closeAt }
    guard case .holding(let office) = state else { return nil }
    var deadline = office.trust.until
    if let until = office.drainUntil { deadline = min(deadline, until) }
    switch office.stream {
    case .open:
      deadline = min(deadline, office.trust.renewalDueAt ?? deadline)
      for run in office.running.values { deadline = min(deadline, run.touchAt) }
      for waiting in office.pending.values { deadline = min(deadline, waiting.sendAgainAt ?? deadline) }
    case .broken(let askAt): deadline = min(deadline, askAt)
    case .confirming: break
    }
    return deadline
  }

  /// The orders that are being carried out, or whose outcome the queue has not confirmed.
  package var held: [ID] {
    guard case .holding(let office) = state else { return [] }
    return Array(office.running.keys) + office.pending.keys
  }

  /// The epoch held, trusted or not; nil for none.
  package var epoch: UInt64? {
    if case .holding(let office) = state { return office.epoch }
    return nil
  }

  /// Whether an execution might begin at `now`.
  package func mayAct(at now: Instant) -> Bool {
    guard case .holding(let office) = state else { return false }
    return office.trust.isTrusted(at: now)
  }
}
