package import CoreTime

/// One leadership in figures, as its leader tells it to the others: how the winner of a split brain learns the
/// other side's story.
package struct LeadershipRecord: Sendable, Hashable {
  /// No leadership is told of as longer than this (milliseconds): 34 years.
  package static let longest = UInt64(1) << 40

  package var term: UInt64
  /// How long it has lasted, or lasted in all (milliseconds, at most `longest`).
  package var ledFor: UInt64
  /// How long ago it ended (milliseconds); 0 while it lasts.
  package var endedAgo: UInt32
  /// The first and the last epoch held in it, 0 for none.
  package var firstEpoch: UInt64
  package var lastEpoch: UInt64
  /// Claims that the queue refused because another holds the lane.
  package var refusedClaims: UInt32
  /// Outcomes of executions that had no say because their epoch was over: refused by the queue, or held back
  /// by the executor itself.
  package var refusedActions: UInt32

  package init(
    term: UInt64, ledFor: UInt64 = 0, endedAgo: UInt32 = 0, firstEpoch: UInt64 = 0, lastEpoch: UInt64 = 0,
    refusedClaims: UInt32 = 0, refusedActions: UInt32 = 0
  ) {
    self.term = term
    self.ledFor = ledFor
    self.endedAgo = endedAgo
    self.firstEpoch = firstEpoch
    self.lastEpoch = lastEpoch
    self.refusedClaims = refusedClaims
    self.refusedActions = refusedActions
  }
}

/// Two or more led at the same time, and it is over. Told once, by the one that leads on.
package struct SplitBrainStory: Sendable, Hashable {
  /// One of the leaders. Instants are those of the teller, counted back from what the others said about
  /// durations: off by the time that a datagram takes.
  package struct Side: Sendable, Hashable {
    package var id: NodeID
    package var incarnation: UInt64
    package var term: UInt64
    package var start: Instant
    /// `nil` for the one that leads on.
    package var end: Instant?
    /// The first and the last epoch held, 0 for none.
    package var firstEpoch: UInt64
    package var lastEpoch: UInt64
    package var refusedClaims: UInt32
    package var refusedActions: UInt32

    package init(
      id: NodeID, incarnation: UInt64, term: UInt64, start: Instant, end: Instant?, firstEpoch: UInt64,
      lastEpoch: UInt64, refusedClaims: UInt32, refusedActions: UInt32
    ) {
      self.id = id
      self.incarnation = incarnation
      self.term = term
      self.start = start
      self.end = end
      self.firstEpoch = firstEpoch
      self.lastEpoch = lastEpoch
      self.refusedClaims = refusedClaims
      self.refusedActions = refusedActions
    }
  }

  package var winner: Side
  /// In order of their ids; at least one, at most `SplitBrain.mostRivals`.
  package var losers: [Side]
  /// For how long there was more than one leader.
  package var overlap: Duration

  package init(winner: Side, losers: [Side], overlap: Duration) {
    self.winner = winner
    self.losers = losers
    self.overlap = overlap
  }
}
