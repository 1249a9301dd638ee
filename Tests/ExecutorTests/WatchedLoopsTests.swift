import DaemonKit
import Testing
import WatchdogKit

@Suite struct WatchedLoopsTests {
  @Test(arguments: ["election", "work", "eligibility"]) func aLoopThatHangsIsNamed(_ name: String)
    async throws
  {
    try await Cluster.run { cluster in
      let loops = WatchedLoops()
      let member = try await cluster.start(1, heartbeats: loops.heartbeats)
      #expect(try await loops.missed(wedging: name) == [name])
      if name != "election" { #expect(try await loops.allTurn()) }
      await member.stop()
    }
  }

  /// Once it leads; before that it has no right that could be missing.
  @Test func aLeaderWhoseRightIsNotConfirmedIsNamed() async throws {
    try await Cluster.run { cluster in
      let loops = WatchedLoops()
      let member = try await cluster.start(1, heartbeats: loops.heartbeats)
      loops.letTimePass()
      #expect(try await loops.allTurn())
      try await eventually("executor-1 leads") {
        await member.runtime.report().summary.hasPrefix("leader term")
      }
      #expect(try await loops.missed(wedging: "lease") == ["lease"])
      #expect(try await loops.allTurn())
      await member.stop()
    }
  }

  /// It has stepped down as it should, and is not to be ended for it.
  @Test func aLeaderThatLosesTheQueueIsNotMissed() async throws {
    try await Cluster.run { cluster in
      let loops = WatchedLoops()
      let member = try await cluster.start(1, heartbeats: loops.heartbeats)
      try await eventually("executor-1 leads") {
        await member.runtime.report().summary.hasPrefix("leader term")
      }
      #expect(try await WatchedLoops.eventually { !loops.heartbeats.isIdle("lease") })
      await cluster.loseQueue()
      #expect(try await WatchedLoops.eventually { loops.heartbeats.isIdle("lease") })
      loops.letTimePass()
      #expect(try await loops.allTurn())
      await member.stop()
    }
  }
}
