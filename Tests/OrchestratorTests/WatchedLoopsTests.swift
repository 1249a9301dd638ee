import DaemonKit
import OrderProtos
import Testing
import WatchdogKit

@Suite struct WatchedLoopsTests {
  @Test(arguments: ["outbox", "housekeeping"]) func aLoopThatHangsIsNamed(_ name: String) async throws {
    try await withLoops { loops, _, _ in
      let missed = try await loops.missed(wedging: name)
      #expect(missed == [name])
      #expect(try await loops.allTurn())
    }
  }

  @Test func anOutcomeFollowerThatHangsIsNamedOnceThereIsSomethingToTakeOver() async throws {
    try await withLoops { loops, shop, around in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      let missed = try await loops.missed(wedging: "outcome-follower") { around.queue.tell(.executing, id) }
      #expect(missed == ["outcome-follower"])
      #expect(try await loops.allTurn())
      #expect(try await shop.order(id, in: "executing")["state"].text == "executing")
    }
  }

  @Test func whatWritesTheNewsOfTheQueueIsNamedWhenItHangs() async throws {
    try await withLoops { loops, shop, around in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      let missed = try await loops.missed(wedging: "queue-news") { around.queue.tell(.executing, id) }
      #expect(missed == ["queue-news"])
      #expect(try await loops.allTurn())
      #expect(try await shop.order(id, in: "executing")["state"].text == "executing")
    }
  }

  @Test func aViolationRecorderThatHangsIsNamedOnceThereIsSomethingToWrite() async throws {
    try await withLoops { loops, shop, around in
      around.fraud.violateCausality()
      let missed = try await loops.missed(wedging: "violation-recorder") { _ = try await shop.submit() }
      #expect(missed == ["violation-recorder"])
      #expect(try await loops.allTurn())
    }
  }

  @Test func anAbsentQueueIsNoStall() async throws {
    let loops = WatchedLoops()
    try await withSurroundings(queueIsUp: false, heartbeats: loops.heartbeats) { around in
      try await withShop(around) { shop in
        _ = try await shop.submit()
        #expect(try await eventually { await shop.report().details["outboxProblem"] != .text("") })
        loops.letTimePass()
        #expect(try await loops.allTurn())
      }
    }
  }

  private func withLoops(
    _ body: @Sendable (WatchedLoops, Shop, Surroundings) async throws -> Void
  ) async throws {
    let loops = WatchedLoops()
    try await withSurroundings(heartbeats: loops.heartbeats) { around in
      try await withShop(around) { shop in try await body(loops, shop, around) }
    }
  }
}
