import CoreTime
import Testing

@testable import BullyElection

@Suite struct RankTests {
  private func leaders(_ ids: ClosedRange<UInt16>, lanes: Int) throws -> [String: NodeID] {
    let nodes = try ids.map(node)
    var leaders: [String: NodeID] = [:]
    for lane in (1...lanes).map({ "lane-\($0)" }) {
      leaders[lane] = nodes.max { BullyElection.rank($0, lane: lane) < BullyElection.rank($1, lane: lane) }
    }
    return leaders
  }

  @Test func inMainTheIDRanks() throws {
    let nodes = try (UInt16(1)...50).map(node)
    let ranked = nodes.shuffled().sorted {
      BullyElection.rank($0, lane: "main") < BullyElection.rank($1, lane: "main")
    }
    #expect(ranked == nodes)
  }

  @Test func otherLanesSpreadOverTheExecutors() throws {
    let count = Dictionary(grouping: try leaders(1...4, lanes: 400).values, by: { $0 }).mapValues(\.count)
    #expect(count.count == 4)
    #expect(count.values.allSatisfy { (60...140).contains($0) }, "\(count)")
  }

  /// What makes it rendezvous hashing: a lane changes its leader only to the one that came.
  @Test func whoComesTakesOnlyItsShare() throws {
    let (before, after) = (try leaders(1...4, lanes: 400), try leaders(1...5, lanes: 400))
    let moved = before.filter { after[$0.key] != $0.value }
    #expect(try moved.keys.allSatisfy { after[$0] == (try node(5)) })
    #expect((40...120).contains(moved.count), "\(moved.count)")
  }

  /// Another implementation must rank the same, or two would each wait for the other.
  @Test func theHashIsFixed() throws {
    #expect(BullyElection.rank(try node(1), lane: "night").score == Self.nightOne)
    #expect(BullyElection.rank(try node(2), lane: "night").score == Self.nightTwo)
  }

  @Test(arguments: ["alpha", "beta", "gamma", "delta"]) func theHighestRankLeadsItsLane(lane: String) throws {
    var configuration = BullyConfiguration()
    configuration.lane = lane
    var network = TinyNetwork([1, 2, 3, 4, 5], seed: 3, configuration: configuration)
    let expected = try #require(
      try (UInt16(1)...5).map(node).max {
        BullyElection.rank($0, lane: lane) < BullyElection.rank($1, lane: lane)
      })
    network.queueJudgesByID = false
    #expect(network.run(until: { $0.agreedLeader == expected.rawValue }, limit: .seconds(8)) != nil)
    network.run(for: .seconds(1))
    #expect(network.leaders == [expected.rawValue])
  }

  private static let nightOne: UInt64 = 0x14bae285b2c50795
  private static let nightTwo: UInt64 = 0x583e475f637db32d
}
