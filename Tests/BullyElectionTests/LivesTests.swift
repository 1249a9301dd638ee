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
}
