/// A deliberate mistake, made at the seams between the machines and the world. The machines themselves are
/// the production ones; each mutation makes the whole behave as if one of their rules were missing.
package enum Mutation: String, CaseIterable, Sendable {
  /// The queue takes an ack under any epoch.
  case ackIgnoresEpoch
  /// The queue extends a leadership under any epoch.
  case renewIgnoresEpoch
  /// A grant tells the epoch before.
  case epochReused
  /// A restart of the queue forgets the epochs.
  case epochsNotDurable
  /// What the old epoch had leased stays leased.
  case leasesNotReturned
  /// The queue takes a restarted executor for the one before.
  case claimIgnoresIncarnation
  /// The election takes a restarted executor for the one before.
  case electionIgnoresIncarnation
  /// Leaders trust themselves for twice the lease.
  case trustWindowTooLong
  /// A doubled datagram is taken for a new one.
  case replayAccepted
  /// The queue lets a lower id in beside a live leader.
  case grantsToLowerID
  /// An enqueue is acknowledged before it is on disk.
  case acknowledgedBeforeCommit
  /// An order is handed out before its lease is on disk.
  case deliveredBeforeCommit
  /// The executor goes on when the election says stop.
  case ignoresStoppedLeading
  /// Heartbeats don't say whether the leader is effective.
  case heartbeatWithoutEpoch
  /// The clock by which a leader trusts itself stands still while its process is stopped.
  case clockStopsInPause
  /// A leader that cannot reach the queue leads on.
  case unreachableStaysEligible
  /// The queue forgets an ack that it has confirmed when it crashes.
  case confirmedBeforeCommit
  /// A leader that comes back does not name what it is carrying out as held.
  case heldLeavesOutRuns
}
