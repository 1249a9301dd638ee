import BullyElection
import CoreTime
import Testing

/// Who is named when a leader goes, and what the others make of it.
@Suite struct SuccessorTests {
  private func leader(hearing peers: [(UInt16, Bool)]) throws -> Bench {
    var bench = try Bench(3)
    try bench.lead()
    for (peer, eligible) in peers {
      try bench.hear(peer, .leaderHeard(node(3)), to: 3, eligible: eligible)
    }
    return bench
  }

  private func successor(_ effects: [BullyElection.Effect]) throws -> NodeID? {
    let resignations = effects.kinds.compactMap { if case .resign(_, let named) = $0 { named } else { nil } }
    return resignations.first
  }

  @Test func theHighestLiveEligibleOneIsNamed() throws {
    for input: BullyElection.Input in [.stopRequested, .becameIneligible(.queueUnreachable)] {
      var all = try leader(hearing: [(1, true), (2, true)])
      #expect(try successor(all.give(input)) == node(2))
      var some = try leader(hearing: [(1, true), (2, false)])
      #expect(try successor(some.give(input)) == node(1))
      var none = try leader(hearing: [(2, false)])
      #expect(try successor(none.give(input)) == nil)
      var silent = try leader(hearing: [(2, true)])
      silent.pass(.seconds(4))
      #expect(try successor(silent.give(input)) == nil, "2 has not been heard for four seconds")
    }
  }

  @Test func followersSayThatTheyAreThereInTurns() throws {
    var said: [UInt16: [UInt64]] = [:]
    for id: UInt16 in [1, 2] {
      var bench = try Bench(id)
      for sequence in 1...UInt64(40) {
        bench.pass(.milliseconds(100))
        let effects = try bench.hear(3, .coordinator, sequence: sequence)
        if effects.kinds.contains(.leaderHeard(try node(3))) { said[id, default: []].append(sequence) }
      }
    }
    #expect(said[1]?.count == 4 && said[2]?.count == 4)
    #expect(Set(said[1] ?? []).isDisjoint(with: said[2] ?? []), "not all at once")
  }

  @Test func aFollowerSaysAtOnceThatItCannotLeadAnyMore() throws {
    var bench = try Bench(2)
    try bench.hear(3, .coordinator, sequence: 1)
    let effects = bench.give(.becameIneligible(.fulfilmentFailing))
    #expect(effects.sent.map(\.eligible) == [false])
  }

  @Test func theNamedOneLeadsAtOnceAndTheRestFollow() throws {
    var (two, one) = (try Bench(2), try Bench(1))
    for _ in 0..<2 {
      try two.hear(3, .coordinator)
      try one.hear(3, .coordinator)
    }
    let resignation = ElectionMessage.Kind.resign(.stopping, successor: try node(2))
    let taken = try two.hear(3, resignation)
    #expect(two.role == .leading)
    #expect(taken.contains(.becameLeader(term: 2)))
    #expect(try one.hear(3, resignation).kinds.isEmpty, "no election against the named one")
    try one.hear(2, .coordinator, term: 2)
    #expect(one.machine.leader?.id == (try node(2)))
  }

  @Test func aDeadSuccessorCostsABoundedTime() throws {
    var one = try Bench(1)
    try one.hear(3, .coordinator)
    try one.hear(3, .resign(.stopping, successor: node(2)))
    let defaults = BullyConfiguration()
    one.pass(defaults.coordinatorTimeout + defaults.answerTimeout + defaults.jitter * 2)
    #expect(one.role == .leading)
  }

  @Test(arguments: UInt64(1)...12) func aGracefulStopStartsNoElection(seed: UInt64) {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil)
    network.run(for: .seconds(2))
    let before = network.electionsStarted
    network.give(.stopRequested, to: 3)
    network.crash(3)
    let time = network.run(until: { $0.agreedLeader == 2 })
    #expect(time.map { $0 <= .milliseconds(10) } == true, "took \(String(describing: time))")
    #expect(network.electionsStarted == before)
  }

  @Test(arguments: UInt64(1)...12) func aStopBesideACrashIsBounded(seed: UInt64) {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil)
    network.run(for: .seconds(2))
    network.crash(2)
    network.give(.stopRequested, to: 3)
    network.crash(3)
    let time = network.run(until: { $0.agreedLeader == 1 })
    #expect(time.map { $0 < .milliseconds(400) } == true, "took \(String(describing: time))")
  }

  @Test func aNamedOneThatCannotLeadSaysSoAndNobodyWaitsForIt() throws {
    var (two, one) = (try Bench(2), try Bench(1))
    two.give(.becameIneligible(.fulfilmentFailing))
    try two.hear(3, .coordinator, sequence: 1)
    try one.hear(3, .coordinator, sequence: 1)
    let word = try two.hear(3, .resign(.stopping, successor: node(2)), sequence: 2)
    #expect(word.kinds == [.resign(.ineligible, successor: nil)])
    try one.hear(3, .resign(.stopping, successor: node(2)), sequence: 2)
    #expect(one.role == .awaiting)
    let answer = try one.hear(2, .resign(.ineligible, successor: nil), eligible: false)
    #expect(answer.kinds == [.election])
  }

  @Test func whoAskedForAHandoverAndCannotLeadAnyMoreSaysSo() throws {
    var bench = try Bench(3)
    try bench.hear(2, .coordinator)
    #expect(bench.role == .takingOver)
    let effects = bench.give(.becameIneligible(.queueUnreachable))
    #expect(bench.role == .following)
    #expect(effects.sent.map(\.eligible) == [false])
  }
}
