import CoreTime
import Randomness
import Testing

@testable import BullyElection

/// The rules that keep an election calm: pre-check, preemption, storms, pauses, states.
@Suite struct RuleTests {
  // MARK: Pre-check

  @Test func whoMissesTheLeaderAsksFirst() throws {
    var bench = try Bench(2)
    try bench.hear(3, .coordinator)
    let asked = bench.pass(.milliseconds(335))
    #expect(asked.kinds == [.leaderQuery(try node(3))])
    try bench.hear(1, .leaderHeard(node(3)), to: 2)
    #expect(bench.role == .following)
    #expect(bench.pass(.milliseconds(300)).kinds.isEmpty)
  }

  @Test func wordsForAnotherOrAboutAnotherDoNotCount() throws {
    for (about, to): (UInt16, UInt16) in [(3, 1), (4, 2)] {
      var bench = try Bench(2)
      try bench.hear(3, .coordinator)
      bench.pass(.milliseconds(335))
      try bench.hear(1, .leaderHeard(node(about)), to: to)
      #expect(bench.role == .checking)
    }
  }

  @Test func othersWordIsEnoughOnlySoOften() throws {
    var bench = try Bench(2) { $0.maximumVouches = 4 }
    try bench.hear(3, .coordinator)
    var vouched = 0
    for _ in 0..<10 where bench.role != .electing {
      bench.pass(.milliseconds(335))
      guard bench.role == .checking else { break }
      try bench.hear(1, .leaderHeard(node(3)), to: 2)
      vouched += 1
    }
    #expect(vouched == 4)
    #expect(bench.role != .following)
  }

  @Test func onlyWhoHearsTheLeaderSaysSo() throws {
    var bench = try Bench(2)
    try bench.hear(3, .coordinator)
    bench.pass(.milliseconds(100))
    #expect(try bench.hear(1, .leaderQuery(node(3))).kinds == [.leaderHeard(try node(3))])
    #expect(try bench.hear(1, .leaderQuery(node(4))).kinds.isEmpty)
    bench.now = bench.now + .milliseconds(201)
    #expect(try bench.hear(1, .leaderQuery(node(3))).kinds.isEmpty)
  }

  // MARK: Preemption

  @Test func immediateTakesOverWithoutAsking() throws {
    var bench = try Bench(3) { $0.preempt = .immediate }
    #expect(try bench.hear(1, .coordinator).kinds == [.election])
    // The lower leader's heartbeats don't stop it.
    try bench.hear(1, .coordinator)
    bench.pass(.milliseconds(80))
    #expect(bench.role == .leading)
  }

  @Test func neverLeavesALiveLowerLeaderAloneAndReplacesADeadOne() throws {
    var bench = try Bench(3) { $0.preempt = .never }
    for _ in 0..<20 {
      #expect(try bench.hear(1, .coordinator).kinds.allSatisfy { $0 != .election && $0 != .handoverRequest })
      bench.pass(.milliseconds(100))
    }
    #expect(bench.role == .following)
    bench.pass(.milliseconds(500))
    #expect(bench.role == .leading)
  }

  @Test func whenIdleAsksAgainUntilItIsOverdue() throws {
    var bench = try Bench(3)
    #expect(try bench.hear(1, .coordinator).kinds == [.handoverRequest])
    var asked = 0
    for _ in 0..<69 {
      asked += bench.pass(.milliseconds(100)).kinds.count { $0 == .handoverRequest }
      try bench.hear(1, .coordinator)
    }
    #expect(bench.role == .takingOver)
    #expect((15...25).contains(asked))
    bench.pass(.milliseconds(200))
    #expect(bench.role == .leading)
  }

  // MARK: After a heal

  @Test func aLeaderAnnouncesItselfAnewWithAHigherTerm() throws {
    var bench = try Bench(3)
    try bench.lead()
    let term = try #require(bench.machine.leader?.term)
    let same = try bench.hear(2, .coordinator, term: term)
    #expect(same.kinds == [.coordinator])
    #expect(same.sent.first.map { $0.term > term } == true)
    let higher = try bench.hear(2, .coordinator, term: 40)
    #expect(higher.sent.first?.term == 41)
    #expect(higher.notes.contains(.rivalHeard(try node(2), term: 40)))
    // A follower that knows a later term says so; that is enough as well.
    #expect(try bench.hear(1, .leaderHeard(node(3)), term: 90, to: 3).sent.first?.term == 91)
  }

  /// Found by the fuzzer: after a message of the largest term the next leader's would not have been taken.
  @Test func theTermStopsWhereTheWireDoes() throws {
    var bench = try Bench(3)
    try bench.hear(1, .leaderHeard(node(2)), term: BullyElection.maximumTerm)
    try bench.lead()
    #expect(bench.machine.leader?.term == BullyElection.maximumTerm)
    let heal = try bench.hear(2, .coordinator, term: BullyElection.maximumTerm)
    #expect(heal.sent.map(\.term) == [BullyElection.maximumTerm])
  }

  // MARK: Storms

  @Test func moreThanNSquaredElectionsAreAStormAndItEnds() throws {
    var bench = try Bench(3)
    try bench.hear(4, .coordinator)
    // Three nodes are known: 1, 4 and this one.
    for _ in 0..<8 { try bench.hear(1, .election) }
    let calm = try bench.hear(4, .resign(.stopping, successor: nil))
    #expect(calm.kinds == [.election], "eight before it are not more than nine")
    try bench.hear(4, .coordinator)
    try bench.hear(1, .election)
    let stormy = try bench.hear(4, .resign(.stopping, successor: nil))
    #expect(stormy.kinds.isEmpty)
    #expect(stormy.notes.contains { if case .storm(let count) = $0 { count >= 9 } else { false } })
    let deadline = try #require(bench.machine.nextDeadline)
    let quiet = deadline - bench.now
    #expect(quiet >= .milliseconds(500) && quiet <= .milliseconds(1_000))
    bench.pass(.seconds(4))
    #expect(bench.role == .leading, "it ends by itself")
  }

  @Test func theStormDetectorIsBounded() {
    var detector = StormDetector()
    for tick in 0..<6_000 { detector.record(now: .zero + .microseconds(Int64(tick)), window: .seconds(2)) }
    #expect(detector.count(now: .zero + .microseconds(6_000), window: .seconds(2)) == 4_096)
    #expect(detector.count(now: .zero + .seconds(5), window: .seconds(2)) == 0)
  }

  // MARK: Pauses

  @Test func aTimerJustInTimeActsAndALateOneListensFirst() throws {
    for (late, listens): (Duration, Bool) in [(.milliseconds(299), false), (.milliseconds(301), true)] {
      var bench = try Bench(2)
      try bench.hear(3, .coordinator)
      bench.now = try #require(bench.machine.nextDeadline) + late
      let effects = bench.give(.timerFired)
      #expect(effects.notes.contains { if case .pausedFor = $0 { true } else { false } } == listens)
      #expect(effects.kinds.isEmpty == listens)
      #expect(bench.role == (listens ? .following : .checking))
    }
  }

  @Test func aPausedLeaderResignsWhateverWakesIt() throws {
    for input: BullyElection.Input in [.timerFired, .epochGranted(9), .handoverFinished] {
      var bench = try Bench(2)
      try bench.lead()
      bench.give(.epochGranted(4))
      bench.now = bench.now + .seconds(2)
      let effects = bench.give(input)
      #expect(effects.contains(.stoppedLeading(.paused)))
      #expect(effects.kinds.contains(.resign(.paused, successor: nil)))
      #expect(!effects.kinds.contains(.coordinator), "nothing is announced under the old view")
      #expect(bench.role == .searching)
    }
  }

  @Test func oneThatIsAlwaysLateStillGetsSomewhere() throws {
    var bench = try Bench(2)
    for _ in 0..<6 where bench.role != .leading {
      bench.now = try #require(bench.machine.nextDeadline) + .seconds(1)
      bench.give(.timerFired)
    }
    #expect(bench.role == .leading)
  }

  // MARK: States

  /// A long life at random: every change of state is one that the state documents, and every documented one
  /// happens.
  @Test func everyStateTurnsOnlyIntoWhatItDocuments() throws {
    var seen: [BullyElection.Role: Set<BullyElection.Role>] = [:]
    for seed in UInt64(1)...400 {
      var random = SplitMix64(seed: seed)
      var bench = try Bench(3, seed: seed) {
        $0.preempt = PreemptPolicy.allCases[Int(seed % 3)]
        $0.stormWindow = .milliseconds(50)
      }
      for _ in 0..<400 {
        let before = bench.role
        let effects = try wander(&bench, &random)
        if effects.notes.contains(where: { if case .pausedFor = $0 { true } else { false } }) { continue }
        guard bench.role != before else { continue }
        #expect(before.canBecome.contains(bench.role), "\(before) became \(bench.role), seed \(seed)")
        seen[before, default: []].insert(bench.role)
        if bench.role == .stopped { break }
      }
    }
    seen[.idle] = BullyElection.Role.idle.canBecome
    for role in BullyElection.Role.allCases where role != .stopped {
      #expect(role.canBecome.subtracting(seen[role] ?? []).isEmpty, "\(role) never became what it documents")
    }
  }

  private func wander(_ bench: inout Bench, _ random: inout SplitMix64) throws -> [BullyElection.Effect] {
    let peer = [1, 2, 4][Int(random.next() % 3)] as UInt16
    let eligible = random.next() % 8 > 0
    let me = try node(3)
    switch random.next() % 20 {
    case 0...7:
      guard let deadline = bench.machine.nextDeadline else { return bench.give(.timerFired) }
      bench.now = max(bench.now, deadline)
      return bench.give(.timerFired)
    case 8...10: return try bench.hear(peer, .coordinator, term: random.next() % 50, eligible: eligible)
    case 11:
      // Now and then enough of them for a storm.
      return try (0..<(random.next() % 8 == 0 ? 20 : 1)).flatMap { _ in
        try bench.hear(peer, .election, eligible: eligible)
      }
    case 12: return try bench.hear(peer, .answer, to: 3, eligible: eligible)
    case 13: return try bench.hear(peer, .handoverRequest, to: 3, eligible: eligible)
    case 14:
      let successors: [NodeID?] = [me, nil, try node(2)]
      return try bench.hear(peer, .resign(.stopping, successor: successors[Int(random.next() % 3)]))
    case 15: return try bench.hear(peer, .leaderHeard(node(4)), to: 3)
    case 16: return bench.give(random.next() % 3 > 0 ? .becameEligible : .becameIneligible(.queueUnreachable))
    case 17: return bench.give(random.next() % 2 > 0 ? .epochGranted(random.next() % 99) : .epochLost)
    case 18:
      let inputs: [BullyElection.Input] = [
        .claimDenied(holder: nil), .handoverFinished, .freeze(for: .milliseconds(200)), .thaw,
        .actionsRefused(1),
      ]
      return bench.give(inputs[Int(random.next() % 5)])
    default: return random.next() % 30 == 0 ? bench.give(.stopRequested) : bench.pass(.milliseconds(10))
    }
  }
}
