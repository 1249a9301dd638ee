package import CoreTime
import Randomness

/// One node's part in a Bully election, as a pure machine: no clock, no socket, no logger.
///
/// The highest live eligible id leads. That is liveness only: without a quorum there can be two leaders for a
/// while, and it is the queue's fencing epoch that lets only one of them act. Every randomness comes from the
/// seed, so the same inputs give the same effects. Sources: H. Garcia-Molina, "Elections in a distributed
/// computing system" (1982); D. Ongaro, "Consensus: bridging theory and practice" (2014), §9.6, for the
/// pre-check and for growing terms.
package struct BullyElection: Sendable {
  /// Terms above this are refused, so that no peer can make the term overflow.
  package static let maximumTerm = UInt64(1) << 62

  package let id: NodeID
  package let incarnation: UInt64
  package let configuration: BullyConfiguration
  /// The highest term seen.
  package internal(set) var highestTerm: UInt64 = 0
  package internal(set) var state = State.idle

  /// What the shell last said about this node's eligibility.
  var reportedEligible: Bool
  /// Not eligible before this, after claims that failed.
  var heldOffUntil: Instant?
  /// The first election is not started before this, so that a leader can be heard first.
  var listenUntil = Instant.zero
  var sequence: UInt64 = 0
  var highestEpochGranted: UInt64 = 0
  var peers: PeerTable
  var storms = StormDetector()
  var generator: SplitMix64
  var lateInARow = 0
  /// When the latest election was started here.
  var stoodAt: Instant?
  var duplicateNotedAt: Instant?
  var splitBrain = SplitBrain()
  var farewell: Farewell?
  /// Until when nothing is started here.
  package internal(set) var frozenUntil: Instant?
  var effects: [Effect] = []

  /// `configuration` must have no `problems`.
  package init(
    id: NodeID, incarnation: UInt64, configuration: BullyConfiguration, seed: UInt64, eligible: Bool = false
  ) {
    precondition(configuration.problems.isEmpty, "the settings must be checked before")
    self.id = id
    self.incarnation = incarnation
    self.configuration = configuration
    reportedEligible = eligible
    peers = PeerTable(capacity: configuration.maximumPeers)
    generator = SplitMix64(seed: seed)
  }

  /// A leader as its follower knows it.
  package struct Followed: Sendable, Hashable {
    package var id: NodeID
    package var incarnation: UInt64
    package var term: UInt64
    package var epoch: UInt64
    /// When its own heartbeat was last heard here.
    package var heardAt: Instant
    package var suspectAt: Instant
    /// How often in a row others' word stood in for its heartbeat.
    package var vouches = 0
  }

  /// This node's own leadership.
  package struct Leadership: Sendable, Hashable {
    package var term: UInt64
    package var nextHeartbeat: Instant
    package var claim: Claim
    package var drain: Drain?
    package var started: Instant
    package var tally = Tally()

    /// What there is to tell of it.
    package struct Tally: Sendable, Hashable {
      package var firstEpoch: UInt64 = 0
      package var lastEpoch: UInt64 = 0
      package var refusedClaims: UInt32 = 0
      package var refusedActions: UInt32 = 0
    }

    /// Where the claim of the epoch stands.
    package enum Claim: Sendable, Hashable {
      /// The shell is claiming. Can turn into `.refused`, `.granted`; after `until` the node resigns.
      case asking(until: Instant)
      /// Can turn into `.asking` at `retryAt`.
      case refused(retryAt: Instant, until: Instant)
      /// Can turn into `.asking` when the epoch is lost.
      case granted(UInt64)
    }

    /// A handover under way: resign in favour of `successor` when idle, at the latest at `until`.
    package struct Drain: Sendable, Hashable {
      package var successor: NodeID
      package var until: Instant
    }
  }

  package enum State: Sendable, Hashable {
    /// Not started. Can turn into `.searching`, `.stopped`.
    case idle
    /// Knows no leader and waits for one, without end when not eligible.
    /// Can turn into `.following`, `.takingOver`, `.electing`, `.awaiting`, `.leading` (named successor),
    /// `.stopped`.
    case searching(until: Instant?)
    /// Hears a leader. Can turn into `.checking`, `.takingOver`, `.electing`, `.awaiting` (another was named
    /// successor), `.searching`, `.leading`, `.stopped`.
    case following(Followed)
    /// Misses the leader's heartbeat and asks who hears it.
    /// Can turn into `.following`, `.takingOver`, `.electing`, `.awaiting`, `.searching`, `.leading`,
    /// `.stopped`.
    case checking(Followed, until: Instant)
    /// Stands for election. `forced`: a lower leader does not stop it (preemption).
    /// Can turn into `.leading`, `.awaiting`, `.following`, `.takingOver`, `.searching`, `.stopped`.
    case electing(until: Instant, forced: Bool)
    /// Was answered from above, or heard who is to lead next.
    /// Can turn into `.following`, `.takingOver`, `.electing`, `.searching`, `.leading`, `.stopped`.
    case awaiting(NodeID, until: Instant)
    /// Asked a lower leader to make way. Can turn into `.leading`, `.electing`, `.awaiting` (another was named
    /// successor), `.following`, `.searching`, `.stopped`.
    case takingOver(Followed, askAgainAt: Instant, until: Instant)
    /// Leads. Can turn into `.following` (a higher one leads), `.searching` (resigned), `.stopped`.
    case leading(Leadership)
    /// Final.
    case stopped
  }

  /// The name of a state, for status pages and metrics.
  package enum Role: String, Sendable, Hashable, CaseIterable {
    case idle, searching, following, checking, electing, awaiting
    case takingOver = "taking-over"
    case leading, stopped

    /// What it can turn into with one input, other than itself. After a pause (`Note.pausedFor`) a node
    /// listens first and may pass through `searching` or `following` on the way.
    package var canBecome: Set<Role> {
      switch self {
      case .idle: [.searching, .stopped]
      case .searching: [.following, .electing, .awaiting, .takingOver, .leading, .stopped]
      case .following: [.searching, .checking, .electing, .awaiting, .takingOver, .leading, .stopped]
      case .checking: [.searching, .following, .electing, .awaiting, .takingOver, .leading, .stopped]
      case .electing: [.searching, .following, .awaiting, .takingOver, .leading, .stopped]
      case .awaiting: [.searching, .following, .electing, .takingOver, .leading, .stopped]
      case .takingOver: [.searching, .following, .electing, .awaiting, .leading, .stopped]
      case .leading: [.searching, .following, .stopped]
      case .stopped: []
      }
    }
  }

  /// Takes one input and returns what is to be done, in order. Nothing may happen between the two.
  package mutating func step(_ input: Input, now: Instant) -> [Effect] {
    let viewBefore = leader
    let deadlineBefore = nextDeadline
    thawIfDue(now)
    if input != .stopRequested { handleLateness(now) }
    switch input {
    case .started: start(now)
    case .message(let message): receive(message, now)
    case .timerFired: handleTimer(now)
    case .becameEligible: becomeEligible(now)
    case .becameIneligible(let reason): becomeIneligible(reason, now)
    case .epochGranted(let epoch): epochGranted(epoch, now)
    case .epochLost: epochLost(now)
    case .claimDenied(let holder): claimDenied(holder, now)
    case .handoverFinished: finishHandover(now)
    case .actionsRefused(let count): actionsRefused(count)
    case .freeze(let wanted): freeze(wanted, now)
    case .thaw: thaw(now)
    case .stopRequested: stop(now)
    }
    if leader != viewBefore { effects.append(.leaderChanged(leader)) }
    if nextDeadline != deadlineBefore || input == .timerFired { effects.append(.setTimer(nextDeadline)) }
    defer { effects = [] }
    return effects
  }

  /// When `timerFired` is wanted next.
  package var nextDeadline: Instant? {
    switch state {
    case .idle, .stopped: nil
    case .searching(let until): until
    case .following(let followed): followed.suspectAt
    case .checking(_, let until): until
    case .electing(let until, _): until
    case .awaiting(_, let until): until
    case .takingOver(let followed, let askAgainAt, let until): min(askAgainAt, until, followed.suspectAt)
    case .leading(let leadership): leadership.nextDeadline
    }
  }

  /// Who leads, as far as this node knows.
  package var leader: LeaderView? {
    switch state {
    case .idle, .searching, .electing, .awaiting, .stopped: nil
    case .following(let followed), .checking(let followed, _), .takingOver(let followed, _, _):
      LeaderView(
        id: followed.id, incarnation: followed.incarnation, term: followed.term, epoch: followed.epoch,
        isSelf: false)
    case .leading(let own):
      LeaderView(id: id, incarnation: incarnation, term: own.term, epoch: own.epoch, isSelf: true)
    }
  }

  package var role: Role {
    switch state {
    case .idle: .idle
    case .searching: .searching
    case .following: .following
    case .checking: .checking
    case .electing: .electing
    case .awaiting: .awaiting
    case .takingOver: .takingOver
    case .leading: .leading
    case .stopped: .stopped
    }
  }

  /// Whether this node may lead at `now`.
  package func isEligible(at now: Instant) -> Bool {
    guard reportedEligible else { return false }
    guard let heldOffUntil else { return true }
    return now >= heldOffUntil
  }
}

extension BullyElection.Leadership {
  /// The epoch held, 0 for none.
  package var epoch: UInt64 {
    switch claim {
    case .granted(let epoch): epoch
    case .asking, .refused: 0
    }
  }

  var nextDeadline: Instant {
    var deadline = nextHeartbeat
    switch claim {
    case .asking(let until): deadline = min(deadline, until)
    case .refused(let retryAt, let until): deadline = min(deadline, retryAt, until)
    case .granted: break
    }
    if let drain { deadline = min(deadline, drain.until) }
    return deadline
  }
}
