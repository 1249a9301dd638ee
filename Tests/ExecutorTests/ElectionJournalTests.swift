import BullyElection
import CoreTime
import DaemonKit
import Testing

@testable import Executor

/// The one entry after a split brain, field by field: operators and the auditor of the lab read it.
@Suite struct ElectionJournalTests {
  @Test func theStoryNamesBothSides() throws {
    let now = Instant(nanoseconds: 90_000_000_000)
    let wall = Timestamp(milliseconds: 1_700_000_000_000)
    let clocks = Clocks(now: { now }, wall: { wall })
    let story = SplitBrainStory(
      winner: try side(3, term: 4, start: now - .seconds(60), end: nil, epochs: 5...6, claims: 0, actions: 2),
      losers: [
        try side(
          1, term: 3, start: now - .seconds(9), end: now - .seconds(1), epochs: 0...0, claims: 25, actions: 0),
        try side(
          2, term: 3, start: now - .seconds(8), end: now - .seconds(2), epochs: 7...7, claims: 0, actions: 0),
      ], overlap: .seconds(8))
    let fields = fields(of: story, clocks).mapValues { "\($0)" }
    #expect(
      fields == [
        "overlap_ms": "8000",
        "winner": "executor-3", "winner_term": "4", "winner_from": "2023-11-14T22:12:20.000Z",
        "winner_to": "goes on", "winner_led_ms": "60000", "winner_epochs": "5-6",
        "winner_refused_claims": "0",
        "winner_refused_actions": "2",
        "loser": "executor-1", "loser_term": "3", "loser_from": "2023-11-14T22:13:11.000Z",
        "loser_to": "2023-11-14T22:13:19.000Z", "loser_led_ms": "8000", "loser_epochs": "none",
        "loser_refused_claims": "25", "loser_refused_actions": "0",
        "loser_2": "executor-2", "loser_2_term": "3", "loser_2_from": "2023-11-14T22:13:12.000Z",
        "loser_2_to": "2023-11-14T22:13:18.000Z", "loser_2_led_ms": "6000", "loser_2_epochs": "7-7",
        "loser_2_refused_claims": "0", "loser_2_refused_actions": "0",
      ])
  }

  private func side(
    _ id: UInt16, term: UInt64, start: Instant, end: Instant?, epochs: ClosedRange<UInt64>, claims: UInt32,
    actions: UInt32
  ) throws -> SplitBrainStory.Side {
    SplitBrainStory.Side(
      id: try #require(NodeID(id)), incarnation: 1, term: term, start: start, end: end,
      firstEpoch: epochs.lowerBound, lastEpoch: epochs.upperBound, refusedClaims: claims,
      refusedActions: actions)
  }
}
