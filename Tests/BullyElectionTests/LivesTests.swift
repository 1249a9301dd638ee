import CoreTime
import Testing

@testable import BullyElection

/// Which of a peer's lives counts.
@Suite struct LivesTests {
  /// Follows 3 in its second life (incarnation 20), heard up to sequence 40.
  private func follower() throws -> Bench {
    var bench = try Bench(2)
    for sequence: UInt64 in 38...40 { try bench.hear(3, .coordinator, incarnation: 20, sequence: sequence) }
    try #require(bench.machine.leader?.incarnation == 20)
    return bench
  }

  @Test func aLateDatagramOfAnUnheardFormerLifeDoesNotSilenceThePresentOne() throws {
    var bench = try follower()
    try bench.hear(3, .coordinator, incarnation: 10, sequence: 900)
    #expect(bench.machine.leader?.incarnation == 10, "nothing tells that it is the older one")
    for sequence: UInt64 in 41...44 { try bench.hear(3, .coordinator, incarnation: 20, sequence: sequence) }
    #expect(bench.machine.leader?.incarnation == 10)
    try bench.hear(3, .coordinator, incarnation: 20, sequence: 45)
    #expect(bench.machine.leader?.incarnation == 20)
    // From now on the other is the former life.
    try bench.hear(3, .resign(.stopping, successor: nil), incarnation: 10, sequence: 901)
    #expect(bench.machine.leader?.incarnation == 20)
  }

  @Test func whatWasHeardOfAFormerLifeIsNoSignOfLife() throws {
    var bench = try follower()
    try bench.hear(3, .coordinator, incarnation: 30, sequence: 1)
    for _ in 0..<20 {
      for sequence: UInt64 in 1...40 { try bench.hear(3, .coordinator, incarnation: 20, sequence: sequence) }
    }
    #expect(bench.machine.leader?.incarnation == 30)
    // The same few over and over are not more either.
    for _ in 0..<20 {
      for sequence: UInt64 in 41...44 { try bench.hear(3, .coordinator, incarnation: 20, sequence: sequence) }
    }
    #expect(bench.machine.leader?.incarnation == 30)
  }

  @Test func manyLivesAreBounded() throws {
    var bench = try follower()
    for incarnation: UInt64 in 100...10_000 {
      try bench.hear(3, .coordinator, incarnation: incarnation, sequence: 1)
    }
    #expect(bench.machine.peers.rememberedLives == PeerTable.formerLives + 1)
  }

  /// A recording of a dead leader's heartbeats, all new to this node: it is followed while it may be a live
  /// leader that has yet to hear of a later term, and no longer.
  @Test func aLeaderThatDoesNotLearnOfTheTermIsLeft() throws {
    var bench = try Bench(2)
    try bench.hear(1, .leaderQuery(node(4)), term: 9)
    var told = 0
    for sequence: UInt64 in 1...200 where bench.role != .leading {
      let effects = try bench.hear(3, .coordinator, term: 4, incarnation: 10, sequence: sequence)
      if effects.kinds.contains(.leaderHeard(try node(3))) { told += 1 }
      bench.pass(.milliseconds(100))
    }
    #expect(bench.role == .leading)
    #expect((1...PeerTable.patience).contains(told), "it was told \(told) times")
  }

  @Test func aLeaderThatLearnsOfTheTermIsFollowed() throws {
    var bench = try Bench(2)
    try bench.hear(1, .leaderQuery(node(4)), term: 9)
    for sequence: UInt64 in 1...5 {
      try bench.hear(3, .coordinator, term: 4, sequence: sequence)
      bench.pass(.milliseconds(100))
    }
    for sequence: UInt64 in 6...30 {
      try bench.hear(3, .coordinator, term: 10, sequence: sequence)
      bench.pass(.milliseconds(100))
    }
    #expect(bench.role == .following && bench.machine.leader?.term == 10)
  }

  @Test func ofTwoWithOneIDTheHigherIncarnationStaysOut() throws {
    var high = try Bench(2)
    try high.lead()
    let effects = try high.hear(2, .coordinator, incarnation: 3)
    #expect(effects.contains(.stoppedLeading(.duplicateID)))
    #expect(effects.kinds == [.resign(.ineligible, successor: nil)])
    for sequence: UInt64 in 2...40 {
      high.pass(.milliseconds(100))
      try high.hear(2, .coordinator, incarnation: 3, sequence: sequence)
      #expect(high.role == .searching)
    }
    // The other is gone.
    try high.lead()

    var low = try Bench(2)
    try low.lead()
    try low.hear(2, .coordinator, incarnation: 8)
    #expect(low.role == .leading)
  }
}
