import BullyElection
import CoreTime
import Randomness
import Testing

/// Textbook cases on a deterministic network of three; a failure prints its seed and replays exactly.
@Suite struct NetworkTests {
  private static let seeds: [UInt64] = Array(1...12)

  private func settled(
    _ seed: UInt64, _ configuration: BullyConfiguration = BullyConfiguration()
  ) -> TinyNetwork {
    var network = TinyNetwork([1, 2, 3], seed: seed, configuration: configuration)
    let time = network.run(until: { $0.agreedLeader == 3 })
    #expect(time != nil, "seed \(seed): no leader\n\(network.trace.suffix(30).joined(separator: "\n"))")
    return network
  }

  @Test(arguments: seeds) func threeSimultaneousElectionsEndWithTheHighest(seed: UInt64) {
    var network = settled(seed)
    network.run(for: .seconds(3))
    #expect(network.leaders == [3])
    #expect(network.epochs.map(\.holder) == [3])
  }

  @Test(arguments: seeds) func aCrashedLeaderIsReplacedWithinHalfASecond(seed: UInt64) {
    var network = settled(seed)
    network.crash(3)
    let time = network.run(until: { $0.agreedLeader == 2 })
    #expect(time.map { $0 < .milliseconds(500) } == true, "seed \(seed) took \(String(describing: time))")
  }

  @Test(arguments: seeds) func aReturningHighestIdLeadsAgainByHandover(seed: UInt64) {
    var network = settled(seed)
    network.crash(3)
    _ = network.run(until: { $0.agreedLeader == 2 })
    network.drainTime = .milliseconds(700)
    network.boot(3, incarnation: 33)
    let asked = network.now
    let time = network.run(until: { $0.agreedLeader == 3 })
    // Politely: not before the leader had finished, and without an election against it.
    #expect(time.map { $0 >= .milliseconds(700) && $0 < .milliseconds(1_000) } == true)
    #expect(network.trace.contains { $0.contains("2 stopped: handedOver(to: 3)") })
    #expect(!network.trace.contains { $0.contains("electionStarted") && nanoseconds($0) > asked.nanoseconds })
    #expect(network.epochs.map(\.epoch) == Array(1...UInt64(network.epochs.count)))
  }

  @Test func aHandoverThatNeverEndsIsBounded() {
    var network = settled(5)
    network.crash(3)
    _ = network.run(until: { $0.agreedLeader == 2 })
    network.drainTime = .seconds(3_600)
    network.boot(3, incarnation: 33)
    let time = network.run(until: { $0.agreedLeader == 3 })
    #expect(time.map { $0 < .seconds(6) } == true)
  }

  @Test func immediatePreemptionDoesNotWait() {
    var configuration = BullyConfiguration()
    configuration.preempt = .immediate
    var network = settled(6, configuration)
    network.crash(3)
    _ = network.run(until: { $0.agreedLeader == 2 })
    network.drainTime = .seconds(3_600)
    network.boot(3, incarnation: 33, configuration: configuration)
    let time = network.run(until: { $0.agreedLeader == 3 })
    #expect(time.map { $0 < .milliseconds(300) } == true)
    #expect(network.trace.contains { $0.contains("2 stopped: yielded(to: 3)") })
  }

  @Test func withoutPreemptionALowerLeaderStays() {
    var configuration = BullyConfiguration()
    configuration.preempt = .never
    var network = settled(7, configuration)
    network.crash(3)
    _ = network.run(until: { $0.agreedLeader == 2 })
    network.boot(3, incarnation: 33, configuration: configuration)
    network.run(for: .seconds(5))
    #expect(network.agreedLeader == 2)
  }

  @Test(arguments: seeds) func aLostCoordinatorOnlyCostsTime(seed: UInt64) {
    var network = TinyNetwork([1, 2, 3], seed: seed)
    // The announcement of the first leadership reaches nobody; the next heartbeat does.
    network.lose = { message, _ in message.kind == .coordinator && message.term <= 1 && message.epoch == 0 }
    let time = network.run(until: { $0.agreedLeader == 3 }, limit: .seconds(3))
    #expect(time != nil, "seed \(seed)")
  }

  @Test(arguments: seeds) func resignationIsFasterThanSuspicion(seed: UInt64) {
    var network = settled(seed)
    network.run(for: .milliseconds(Int64(seed) * 7))
    network.give(.stopRequested, to: 3)
    network.crash(3)
    let time = network.run(until: { $0.agreedLeader == 2 })
    #expect(time.map { $0 < .milliseconds(150) } == true, "seed \(seed) took \(String(describing: time))")
  }

  @Test(arguments: seeds) func anIneligibleLeaderMakesWayAndReturns(seed: UInt64) {
    var network = settled(seed)
    network.queueReachable.remove(3)
    network.give(.becameIneligible(.queueUnreachable), to: 3)
    #expect(network.run(until: { $0.agreedLeader == 2 }).map { $0 < .milliseconds(200) } == true)
    network.run(for: .seconds(3))
    #expect(network.leaders == [2], "an ineligible node must not lead, seed \(seed)")
    network.queueReachable.insert(3)
    network.give(.becameEligible, to: 3)
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil)
  }

  @Test func aLeaderThatCannotClaimDoesNotStallTheLane() {
    var network = TinyNetwork([1, 2, 3], seed: 8)
    network.queueReachable = [1, 2]
    let time = network.run(until: { $0.agreedLeader == 2 })
    #expect(time.map { $0 < .seconds(7) } == true)
    #expect(network.trace.contains { $0.contains("3 stopped: couldNotClaim") })
  }

  @Test(arguments: seeds) func afterAPartitionTheHighestLeads(seed: UInt64) {
    var network = settled(seed)
    network.cut = [[3, 1], [3, 2], [1, 3], [2, 3]]
    network.run(for: .seconds(3))
    // Two leaders, but the queue let only one of them act.
    #expect(network.leaders == [2, 3])
    #expect(network.nodes.values.filter { $0.epoch > 0 }.count == 1)
    network.cut = []
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil, "seed \(seed)")
    network.run(for: .seconds(1))
    #expect(network.leaders == [3])
    let terms = Set(network.nodes.values.compactMap { $0.machine.leader?.term })
    #expect(terms.count == 1)
  }

  @Test(arguments: seeds) func aPausedLeaderDoesNotActOnItsOldView(seed: UInt64) {
    var network = settled(seed)
    network.pause(3)
    // Its lease at the queue runs out, which is when the successor is let in.
    network.run(for: .milliseconds(900))
    network.holder = nil
    network.nodes[3]?.epoch = 0
    #expect(network.run(until: { $0.agreedLeader == 2 }) != nil)
    network.resume(3)
    #expect(network.trace.contains { $0.contains("3 stopped: paused") })
    #expect(network.run(until: { $0.agreedLeader == 3 }) != nil)
  }

  @Test func aFollowerThatAloneMissesTheLeaderStartsNoElection() {
    var network = settled(9)
    let before = network.electionsStarted
    network.cut = [[3, 1]]
    network.run(for: .seconds(2))
    #expect(network.electionsStarted == before)
    #expect(network.trace.contains { $0.contains("1 notes leaderVouched(3, by: 2)") })
    #expect(network.agreedLeader == 3)
    // Others' word is bounded; even then the leader itself is not disturbed.
    network.run(for: .seconds(10))
    #expect(network.leaders.contains(3))
    #expect(network.holder == 3)
    #expect(network.epochs.count == 1)
  }

  @Test(arguments: seeds) func theSameSeedGivesTheSameTrace(seed: UInt64) {
    func history() -> [String] {
      var network = TinyNetwork([1, 2, 3], seed: seed)
      network.lose = { message, to in (message.sequence &* 7 &+ UInt64(to)) % 5 == 0 }
      network.run(for: .seconds(2))
      network.crash(3)
      network.run(for: .seconds(2))
      network.boot(3, incarnation: 99)
      network.run(for: .seconds(2))
      return network.trace
    }
    let first = history()
    #expect(first == history())
    #expect(first.count > 50)
  }

  /// Loss, crashes, cuts and pauses at random; once the network is whole and quiet, the highest leads and
  /// terms agree.
  @Test(arguments: UInt64(1)...200) func afterAnyTroubleTheHighestLeads(seed: UInt64) {
    let ids: [UInt16] = [1, 2, 3, 4, 5]
    var network = TinyNetwork(ids, seed: seed)
    var chance = SplitMix64(seed: seed)
    var incarnation: UInt64 = 100
    for _ in 0..<25 {
      let loss = chance.next() % 40
      network.lose = { message, to in
        (message.sequence &* 31 &+ message.incarnation &+ UInt64(to) &* 17) % 100 < loss
      }
      let id = ids[Int(chance.next() % 5)]
      let other = ids[Int(chance.next() % 5)]
      incarnation += 1
      switch chance.next() % 8 {
      case 0: network.crash(id)
      case 1: network.boot(id, incarnation: incarnation)
      case 2: network.cut.insert([id, other])
      case 3: network.cut = []
      case 4: network.pause(id)
      case 5: network.resume(id)
      case 6: network.give(.becameIneligible(.fulfilmentFailing), to: id)
      default: network.give(.becameEligible, to: id)
      }
      network.run(for: .milliseconds(Int64(chance.next() % 700)))
      #expect(network.nodes.values.filter { $0.epoch > 0 }.count <= 1, "seed \(seed): two hold an epoch")
    }
    network.cut = []
    network.lose = { _, _ in false }
    for id in ids {
      network.resume(id)
      incarnation += 1
      if network.nodes[id]?.alive != true { network.boot(id, incarnation: incarnation) }
      network.give(.becameEligible, to: id)
    }
    // The queue lets go of a holder whose lease ran out.
    if let holder = network.holder, network.nodes[holder]?.epoch == 0 { network.holder = nil }
    let time = network.run(until: { $0.agreedLeader == 5 && $0.leaders == [5] }, limit: .seconds(10))
    #expect(time != nil, "seed \(seed)\n\(network.trace.suffix(40).joined(separator: "\n"))")
    let before = network.electionsStarted
    network.run(for: .seconds(3))
    #expect(network.agreedLeader == 5, "seed \(seed)")
    #expect(network.electionsStarted == before, "seed \(seed): it is quiet after")
    #expect(Set(network.nodes.values.compactMap { $0.machine.leader?.term }).count == 1)
    #expect(zip(network.epochs, network.epochs.dropFirst()).allSatisfy { $0.epoch < $1.epoch })
  }

  private func nanoseconds(_ line: String) -> Int64 {
    line.split(separator: " ").first.flatMap { Int64($0) } ?? 0
  }
}
