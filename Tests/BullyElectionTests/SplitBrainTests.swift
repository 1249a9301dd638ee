import BullyElection
import CoreTime
import Testing

/// The story that the winner tells after a partition has healed.
@Suite struct SplitBrainTests {
  private func healed(_ seed: UInt64, losing lost: (ElectionMessage) -> Bool = { _ in false }) -> TinyNetwork
  {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    _ = network.run(until: { $0.agreedLeader == 3 })
    network.cut = [[3, 1], [3, 2], [1, 3], [2, 3]]
    network.run(for: .seconds(3))
    network.cut = []
    network.run(for: .seconds(3))
    return network
  }

  @Test(arguments: UInt64(1)...20) func theWinnerTellsItOnce(seed: UInt64) throws {
    let network = healed(seed)
    #expect(network.agreedLeader == 3)
    #expect(network.stories.count == 1, "seed \(seed)")
    let story = try #require(network.stories.first)
    #expect(story.winner.id == (try node(3)) && story.winner.end == nil)
    #expect(story.winner.firstEpoch == 1 && story.winner.lastEpoch >= 1)
    let loser = try #require(story.losers.first)
    #expect(story.losers.count == 1)
    #expect(loser.id == (try node(2)) && loser.incarnation == 2)
    // The queue named the holder all the time, and refused.
    #expect(loser.firstEpoch == 0 && loser.refusedClaims >= 5)
    // 3 s cut, less the silence and the election before 2 led.
    let end = try #require(loser.end)
    #expect(
      (.milliseconds(2_400)...(.milliseconds(2_900))).contains(end - loser.start), "\(end - loser.start)")
    #expect((.milliseconds(2_400)...(.milliseconds(2_900))).contains(story.overlap))
    #expect(loser.start > story.winner.start)
  }

  @Test(arguments: UInt64(1)...20) func oneLostResignationDoesNotLoseIt(seed: UInt64) throws {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    _ = network.run(until: { $0.agreedLeader == 3 })
    network.cut = [[3, 1], [3, 2], [1, 3], [2, 3]]
    network.run(for: .seconds(3))
    network.cut = []
    // Neither its heartbeats nor its first word after yielding arrive.
    network.lose = { message, _ in
      guard message.sender.rawValue == 2 else { return false }
      if case .resign(.yielded, _) = message.kind { return message.record?.endedAgo == 0 }
      return message.kind == .coordinator
    }
    network.run(for: .seconds(3))
    let story = try #require(network.stories.first)
    let loser = try #require(story.losers.first)
    let end = try #require(loser.end)
    #expect((.milliseconds(2_400)...(.milliseconds(2_900))).contains(end - loser.start))
    #expect(network.stories.count == 1)
  }

  @Test(arguments: UInt64(1)...20) func quietLivesTellNothing(seed: UInt64) {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    _ = network.run(until: { $0.agreedLeader == 3 })
    network.crash(3)
    _ = network.run(until: { $0.agreedLeader == 2 })
    network.boot(3, incarnation: 33)
    _ = network.run(until: { $0.agreedLeader == 3 })
    network.give(.stopRequested, to: 3)
    network.crash(3)
    network.run(for: .seconds(3))
    #expect(network.stories.isEmpty)
  }

  @Test func threeSidesAreOneStory() throws {
    var network = TinyNetwork([1, 2, 3], seed: 4)
    _ = network.run(until: { $0.agreedLeader == 3 })
    network.cut = [[3, 1], [3, 2], [1, 3], [2, 3], [1, 2], [2, 1]]
    network.run(for: .seconds(3))
    #expect(network.leaders == [1, 2, 3])
    network.cut = []
    network.run(for: .seconds(3))
    #expect(network.stories.map { $0.losers.map(\.id.rawValue) } == [[1, 2]])
  }

  @Test func refusedActionsAreCounted() throws {
    var bench = try Bench(2)
    try bench.lead()
    bench.give(.epochGranted(4))
    bench.pass(.seconds(2))
    bench.give(.actionsRefused(3))
    bench.give(.epochLost)
    bench.give(.epochGranted(6))
    let record = LeadershipRecord(
      term: 9, ledFor: 1_500, endedAgo: 20, firstEpoch: 5, lastEpoch: 5, refusedActions: 7)
    try bench.hear(
      1, .coordinator, term: 9, record: LeadershipRecord(term: 9, ledFor: 1_480, firstEpoch: 5, lastEpoch: 5))
    try bench.hear(1, .resign(.yielded, successor: node(2)), term: 9, record: record)
    let story = try #require(bench.pass(.seconds(1)).story)
    #expect(story.winner.firstEpoch == 4 && story.winner.lastEpoch == 6 && story.winner.refusedActions == 3)
    #expect(story.losers.map(\.refusedActions) == [7])
    #expect(story.losers.map { ($0.end ?? .zero) - $0.start } == [.milliseconds(1_500)])
    #expect(bench.pass(.seconds(10)).story == nil)
    // Its repeated last word opens no second story.
    var repeated = record
    repeated.endedAgo += 11_000
    try bench.hear(1, .resign(.yielded, successor: node(2)), term: 9, record: repeated)
    #expect(bench.pass(.seconds(10)).story == nil)
  }

  @Test func absurdFiguresAndManyRivalsAreBounded() throws {
    var bench = try Bench(60_000)
    try bench.lead()
    bench.pass(.seconds(1))
    try bench.hear(
      59_999, .coordinator,
      record: LeadershipRecord(term: .max, ledFor: .max, endedAgo: .max, refusedClaims: .max))
    for rival: UInt16 in 1...500 {
      try bench.hear(rival, .coordinator, record: LeadershipRecord(term: 1, ledFor: 800))
    }
    bench.give(.actionsRefused(.max))
    bench.give(.actionsRefused(.max))
    let story = try #require(bench.pass(.seconds(5)).story)
    #expect(story.losers.count == 8)
    #expect(story.winner.refusedActions == .max)
  }

  /// A leader whose host was cut off loses the queue as well and resigns where nobody hears it.
  @Test func whoResignedUnheardTellsTheNextLeader() throws {
    var bench = try Bench(3)
    try bench.lead()
    bench.give(.epochGranted(4))
    bench.pass(.seconds(2))
    bench.give(.becameIneligible(.queueUnreachable))
    bench.pass(.milliseconds(700))
    bench.give(.becameEligible)
    let told = try (1...4).flatMap { _ in
      bench.pass(.milliseconds(50))
      return try bench.hear(2, .coordinator, term: 5).sent
    }.filter { if case .resign(.ineligible, _) = $0.kind { true } else { false } }
    #expect(told.count == 2, "again, as the first may be lost, and not for ever")
    #expect(told.first?.record?.firstEpoch == 4)
    #expect(told.first?.record.map { $0.ledFor >= 2_000 } == true)
    #expect(told.first?.record.map { $0.endedAgo >= 700 } == true)
  }
}
