import BullyElection
import CoreTime
import Testing

@Suite struct FreezeTests {
  @Test func aFrozenFollowerDoesNotStandAndDoesAfterwards() throws {
    var bench = try Bench(2)
    try bench.hear(3, .coordinator)
    let frozen = bench.give(.freeze(for: .seconds(10)))
    #expect(frozen.notes == [.frozen(for: .seconds(10))])
    #expect(bench.pass(.milliseconds(9_900)).kinds.isEmpty)
    #expect(bench.machine.leader?.id == (try node(3)), "silent, and followed all the same")
    let after = bench.pass(.seconds(1))
    #expect(after.notes.contains(.thawed))
    #expect(after.kinds.contains(.election))
    #expect(bench.role == .leading)
  }

  @Test func aThawEndsIt() throws {
    var bench = try Bench(2)
    try bench.hear(3, .coordinator)
    bench.give(.freeze(for: .seconds(600)))
    bench.pass(.seconds(5))
    #expect(bench.give(.thaw).notes == [.thawed])
    #expect(bench.machine.frozenUntil == nil)
    // Listens first: the leader may be there.
    #expect(bench.pass(.milliseconds(299)).kinds.isEmpty)
    bench.pass(.seconds(1))
    #expect(bench.role == .leading)
    #expect(bench.give(.thaw).isEmpty)
  }

  @Test func nothingIsStartedFromAnyState() throws {
    for role: BullyElection.Role in [.searching, .checking, .electing, .awaiting, .takingOver] {
      var bench = try Bench(2)
      switch role {
      case .checking:
        try bench.hear(3, .coordinator)
        bench.pass(.milliseconds(335))
      case .electing: bench.pass(.milliseconds(335))
      case .awaiting: try bench.hear(3, .election)
      case .takingOver: try bench.hear(1, .coordinator)
      default: break
      }
      try #require(bench.role == role)
      bench.give(.freeze(for: .seconds(30)))
      #expect(bench.pass(.seconds(29)).kinds.isEmpty, "\(role)")
      bench.pass(.seconds(10))
      if role != .takingOver { #expect(bench.role == .leading, "\(role)") }
    }
  }

  @Test func theLeaderGoesOnAndGrantsNoHandover() throws {
    var bench = try Bench(2)
    try bench.lead()
    bench.give(.epochGranted(4))
    bench.give(.freeze(for: .seconds(30)))
    #expect(bench.pass(.seconds(1)).kinds.count { $0 == .coordinator } >= 9)
    #expect(try bench.hear(3, .handoverRequest, to: 2).kinds == [.coordinator])
    #expect(bench.machine.leader?.epoch == 4)
    bench.give(.thaw)
    #expect(try bench.hear(3, .handoverRequest, to: 2).kinds == [.handoverAccepted])
  }

  @Test func aLowerLeaderIsLeftAloneAndAChallengeIsAnswered() throws {
    var bench = try Bench(3)
    bench.give(.freeze(for: .seconds(30)))
    #expect(try bench.hear(1, .coordinator).kinds.isEmpty)
    #expect(bench.role == .following)
    #expect(try bench.hear(2, .election).kinds == [.answer], "objects, and does not stand")
    #expect(try bench.hear(1, .resign(.stopping, successor: node(3))).kinds.isEmpty)
    #expect(bench.role == .searching)
    bench.give(.thaw)
    bench.pass(.seconds(1))
    #expect(bench.role == .leading)
  }

  @Test func itIsBounded() throws {
    var bench = try Bench(2)
    bench.give(.freeze(for: .seconds(1_000_000)))
    #expect(bench.machine.frozenUntil == bench.now + BullyElection.longestFreeze)
    bench.give(.freeze(for: .seconds(1)))
    #expect(bench.machine.frozenUntil == bench.now + .seconds(1), "the last word counts")
    bench.give(.freeze(for: .zero))
    #expect(bench.machine.frozenUntil == bench.now + .seconds(1))
  }

  @Test(arguments: UInt64(1)...12) func aCutDuringMaintenanceChangesNothing(seed: UInt64) {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil)
    let (elections, epochs) = (network.electionsStarted, network.epochs.count)
    for id: UInt16 in [1, 2, 3] { network.give(.freeze(for: .seconds(60)), to: id) }
    network.cut = [[3, 1], [3, 2], [1, 3], [2, 3]]
    network.run(for: .seconds(20))
    network.cut = []
    network.run(for: .seconds(1))
    for id: UInt16 in [1, 2, 3] { network.give(.thaw, to: id) }
    network.run(for: .seconds(3))
    #expect(network.agreedLeader == 3)
    #expect(network.electionsStarted == elections && network.epochs.count == epochs)
  }
}
