import CoreTime

/// Gathers what the rivals of a leader say about themselves, until the story can be told. Bounded.
struct SplitBrain: Sendable {
  static let mostRivals = 8
  /// Two starts of a rival's leadership that are closer than this are one.
  private static let sameStart = Duration.seconds(1)

  private struct Rival: Sendable {
    var side: SplitBrainStory.Side
    var heardAt: Instant
  }

  private struct Told: Sendable {
    var incarnation: UInt64
    var start: Instant
  }

  private var openedAt: Instant?
  private var ownTerm: UInt64 = 0
  private var rivals: [NodeID: Rival] = [:]
  private var told: [NodeID: Told] = [:]

  /// A coordinator or a resignation of another leader came in. `margin`: leaderships that overlap for less
  /// are but packets that crossed.
  mutating func record(
    _ message: ElectionMessage, own: BullyElection.Leadership, margin: Duration, now: Instant
  ) {
    guard let record = message.record, record.ledFor <= LeadershipRecord.longest else { return }
    let end = now - .milliseconds(Int64(record.endedAgo))
    let start = end - .milliseconds(Int64(record.ledFor))
    guard end - max(start, own.started) >= margin else { return }
    if let known = told[message.sender], known.incarnation == message.incarnation,
      abs((known.start - start).nanosecondsClamped) < Self.sameStart.nanosecondsClamped
    {
      return
    }
    guard rivals[message.sender] != nil || rivals.count < Self.mostRivals else { return }
    if openedAt == nil {
      openedAt = now
      ownTerm = own.term
    }
    var ended: Instant?
    if case .resign = message.kind { ended = end }
    let side = SplitBrainStory.Side(
      id: message.sender, incarnation: message.incarnation, term: record.term, start: start, end: ended,
      firstEpoch: record.firstEpoch, lastEpoch: record.lastEpoch, refusedClaims: record.refusedClaims,
      refusedActions: record.refusedActions)
    rivals[message.sender] = Rival(side: side, heardAt: now)
  }

  /// The story, once: when every rival has ended, by its word or by its silence, and the others have had
  /// `patience` to be heard as well. `evenIfOpen` tells what is known now.
  mutating func conclude(
    id: NodeID, incarnation: UInt64, own: BullyElection.Leadership, patience: Duration, now: Instant,
    evenIfOpen: Bool = false
  ) -> SplitBrainStory? {
    guard let openedAt else { return nil }
    if !evenIfOpen {
      guard now - openedAt >= patience else { return nil }
      guard rivals.values.allSatisfy({ $0.side.end != nil || now - $0.heardAt >= patience * 3 }) else {
        return nil
      }
    }
    let losers = rivals.values.map { rival in
      var side = rival.side
      side.end = side.end ?? rival.heardAt
      return side
    }.sorted { $0.id < $1.id }
    let overlaps = losers.map { ($0.end ?? now) - max($0.start, own.started) }
    told = rivals.mapValues { Told(incarnation: $0.side.incarnation, start: $0.side.start) }
    rivals = [:]
    self.openedAt = nil
    let winner = SplitBrainStory.Side(
      id: id, incarnation: incarnation, term: ownTerm, start: own.started, end: nil,
      firstEpoch: own.tally.firstEpoch, lastEpoch: own.tally.lastEpoch,
      refusedClaims: own.tally.refusedClaims, refusedActions: own.tally.refusedActions)
    return SplitBrainStory(winner: winner, losers: losers, overlap: overlaps.max() ?? .zero)
  }

  /// This node does not lead on: the story is another's to tell.
  mutating func forget() {
    openedAt = nil
    rivals = [:]
  }
}

/// The last word of a leader that was, said again until the one that leads now has surely heard it.
struct Farewell: Sendable {
  /// Times that it is repeated, on as many heartbeats of the winner.
  static let repetitions = 2

  var record: LeadershipRecord
  var reason: ResignReason
  var endedAt: Instant
  var left = repetitions
}
