/// The identity of one executor in the election: 1 … 65535. The highest live eligible id leads.
package struct NodeID: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let rawValue: UInt16

  /// `nil` for 0, which stands for "none" on the wire.
  package init?(_ rawValue: UInt16) {
    guard rawValue > 0 else { return nil }
    self.rawValue = rawValue
  }

  package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }

  package var description: String { String(rawValue) }
}

/// What one election datagram says. Every message is heard by all (multicast); `to` names the one it is meant
/// for.
package struct ElectionMessage: Sendable, Hashable {
  /// What is being led. Elections of different lanes do not touch each other.
  package var lane: String
  package var sender: NodeID
  /// Random for each start of a process: a restarted executor is a new peer.
  package var incarnation: UInt64
  /// Grows by one with every message of an incarnation, from 1.
  package var sequence: UInt64
  /// A coordinator's own term; in every other message the highest term that the sender has seen.
  package var term: UInt64
  /// The fencing epoch that the sender holds, 0 for none.
  package var epoch: UInt64
  /// Whether the sender could lead now.
  package var eligible: Bool
  /// The one addressed; `nil` for everybody.
  package var to: NodeID?
  package var kind: Kind
  /// What the sender's leadership has been so far, in `coordinator`, or was, in the `resign` of a leader.
  package var record: LeadershipRecord?

  /// The messages of the protocol (H. Garcia-Molina, "Elections in a distributed computing system", 1982, and
  /// what was added to it: handover, resign and the pre-check).
  package enum Kind: Sendable, Hashable {
    /// "I stand; does anybody above me object?"
    case election
    /// "I do, and I stand myself."
    case answer
    /// "I lead." The announcement and, repeated, the heartbeat.
    case coordinator
    /// A higher id asks the leader to finish what it holds and to make way.
    case handoverRequest
    /// The leader has stopped leasing and will resign in favour of the one addressed.
    case handoverAccepted
    /// "I do not lead and will not now." `successor` may lead without an election.
    case resign(ResignReason, successor: NodeID?)
    /// "I miss this leader's heartbeat; does anybody hear it?"
    case leaderQuery(NodeID)
    /// "I hear this leader."
    case leaderHeard(NodeID)
  }

  package init(
    lane: String, sender: NodeID, incarnation: UInt64, sequence: UInt64, term: UInt64, epoch: UInt64 = 0,
    eligible: Bool, to: NodeID? = nil, kind: Kind, record: LeadershipRecord? = nil
  ) {
    self.lane = lane
    self.sender = sender
    self.incarnation = incarnation
    self.sequence = sequence
    self.term = term
    self.epoch = epoch
    self.eligible = eligible
    self.to = to
    self.kind = kind
    self.record = record
  }
}

/// Why a node will not lead. The raw values are on the wire.
package enum ResignReason: UInt8, Sendable, Hashable, CaseIterable {
  /// The process is being stopped.
  case stopping = 1
  /// It cannot reach the queue, cannot claim, or its fulfilment target fails.
  case ineligible = 2
  /// It made way for a higher id that asked for it.
  case handover = 3
  /// It was paused for longer than its followers wait and does not trust its own view.
  case paused = 4
  /// It heard a higher one that leads as well, e.g. after a partition has healed.
  case yielded = 5
}

/// Who leads, as one node sees it.
package struct LeaderView: Sendable, Hashable {
  package var id: NodeID
  package var incarnation: UInt64
  package var term: UInt64
  /// The fencing epoch that the leader holds, 0 while it has none: such a leader is not effective.
  package var epoch: UInt64
  /// Whether that is the node which asks.
  package var isSelf: Bool

  package init(id: NodeID, incarnation: UInt64, term: UInt64, epoch: UInt64, isSelf: Bool) {
    self.id = id
    self.incarnation = incarnation
    self.term = term
    self.epoch = epoch
    self.isSelf = isSelf
  }
}
