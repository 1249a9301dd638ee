import DaemonKit
import Testing
import WatchdogKit

@Suite struct WatchedLoopsTests {
  @Test(arguments: ["election", "work"]) func aLoopThatHangsIsNamed(_ name: String) async throws {
    try await Cluster.run { cluster in
      let loops = WatchedLoops()
      let member = try await cluster.start(1, heartbeats: loops.heartbeats)
      #expect(try await loops.missed(wedging: name) == [name])
      if name == "work" { #expect(try await loops.allTurn()) }
      await member.stop()
    }
  }
}
