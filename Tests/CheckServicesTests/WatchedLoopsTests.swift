import DaemonKit
import Testing
import WatchdogKit

@Suite struct WatchedLoopsTests {
  @Test func aFraudKeeperThatHangsIsNamed() async throws {
    let loops = WatchedLoops()
    try await withFolder { folder in
      try await withRole(
        "fraud-detection", fraudDetection(["state": folder]), heartbeats: loops.heartbeats
      ) { _ in
        let missed = try await loops.missed(wedging: "fraud-keeper")
        #expect(missed == ["fraud-keeper"])
        #expect(try await loops.allTurn())
      }
    }
  }
}
