package import CoreTime

extension BullyElection {
  /// What can happen to the machine.
  package enum Input: Sendable, Hashable {
    /// The socket is open. Once, first.
    case started
    case message(ElectionMessage)
    /// The timer of the last `setTimer` fired. Early and repeated firing is harmless.
    case timerFired
    /// The queue can be reached and the fulfilment target passes its probe.
    case becameEligible
    case becameIneligible(IneligibleReason)
    /// The queue granted the claim.
    case epochGranted(UInt64)
    /// The queue has moved on, or the trust window ran out.
    case epochLost
    /// The queue refused the claim and named the holder, or (`nil`) the call failed: the machine claims again
    /// later.
    case claimDenied(holder: NodeID?)
    /// After `drainForHandover`: nothing is leased any more.
    case handoverFinished
    /// The queue refused calls of this leadership, or of the one that just ended, because their epoch was
    /// stale. Only counted, for the story of a split brain.
    case actionsRefused(UInt32)
    /// Start no election and make no leader go for this long, at most `BullyElection.longestFreeze`.
    case freeze(for: Duration)
    case thaw
    /// The process is about to end.
    case stopRequested
  }

  /// Why a node may not lead.
  package enum IneligibleReason: String, Sendable, Hashable {
    case queueUnreachable, fulfilmentFailing, maintenance
  }

  /// What the shell has to do, in this order.
  package enum Effect: Sendable, Hashable {
    case send(ElectionMessage)
    /// The one timer; replaces the one before. `nil` disarms it.
    case setTimer(Instant?)
    /// Claim the epoch from the queue under this term. May come again while leading: claim again.
    case becameLeader(term: UInt64)
    /// Stop leasing at once, drop claims in flight, give the epoch back.
    case stoppedLeading(StopReason)
    /// Lease no more, finish or return what is held, then say `handoverFinished`.
    case drainForHandover(to: NodeID)
    /// Who leads has changed, here or elsewhere; also its term or its epoch.
    case leaderChanged(LeaderView?)
    /// For the journal.
    case note(Note)
  }

  package enum StopReason: Sendable, Hashable {
    /// A higher id leads.
    case yielded(to: NodeID)
    case handedOver(to: NodeID)
    case ineligible(IneligibleReason)
    /// No epoch within the claim timeout.
    case couldNotClaim
    /// Another process has the same id.
    case duplicateID
    case epochLost
    /// This process was paused.
    case paused
    case stopping
    /// An epoch was granted to a node that does not lead (any more).
    case notLeading
  }

  /// Why an election was started.
  package enum ElectionReason: String, Sendable, Hashable {
    case noLeader, leaderLost, leaderResigned, challenged, noCoordinator, preempt
  }

  /// Transitions worth a line in the journal. At most a few for each step.
  package enum Note: Sendable, Hashable {
    case started
    case eligible
    case ineligible(IneligibleReason)
    case leaderSuspected(NodeID)
    case leaderVouched(NodeID, by: NodeID)
    case electionStarted(ElectionReason)
    case electionAnswered(by: NodeID)
    case leading(term: UInt64)
    case epochGranted(UInt64)
    case claimDenied(holder: NodeID?)
    case following(NodeID, term: UInt64)
    case leaderResigned(NodeID, ResignReason)
    case handoverRequested(of: NodeID)
    case handoverOverdue(by: NodeID)
    case draining(for: NodeID)
    case rivalHeard(NodeID, term: UInt64)
    /// More than one led, and it is over: what each side was. From the one that leads on, once.
    case splitBrain(SplitBrainStory)
    case frozen(for: Duration)
    case thawed
    case stoppedLeading(StopReason)
    /// So many elections were seen in the window; this node stays quiet for a while.
    case storm(elections: Int)
    /// A timer fired this late: the process was paused.
    case pausedFor(Duration)
    /// Another process uses this node's id. At most every ten seconds.
    case duplicateID(incarnation: UInt64)
    case stopped
  }
}
