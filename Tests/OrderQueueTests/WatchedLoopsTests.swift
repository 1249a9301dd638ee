import DaemonKit
import Testing
import WatchdogKit

@Suite struct WatchedLoopsTests {
  @Test func anEngineThatHangsIsNamed() async throws {
    let loops = WatchedLoops()
    try await withQueue(heartbeats: loops.heartbeats) { _ in
      let missed = try await loops.missed(wedging: "queue-engine")
      #expect(missed == ["queue-engine"])
      #expect(try await loops.allTurn())
    }
  }
}
