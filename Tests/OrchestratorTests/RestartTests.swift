import DaemonKit
import OrderProtos
import Testing

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a new start makes of the state that the last one left.
@Suite(.timeLimit(.minutes(2))) struct RestartTests {
  /// A copy of the files in the middle of a check is what a crash leaves.
  @Test func anOrderThatWasCutOffIsResumedByItsKey() async throws {
    try await withSurroundings { around in
      let crashed = "\(around.folder)/crashed"
      try await withShop(around, ["orchestrator.order-deadline": "2s"]) { shop in
        around.verification.behaviour = .hang
        async let answer = shop.http.post(orderBody(), key: "k")
        #expect(try await eventually { around.verification.requests.count == 1 })
        try FileManager.default.createDirectory(atPath: crashed, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: "\(around.folder)/orchestrator", toPath: "\(crashed)/orchestrator")
        _ = try await answer
      }
      around.verification.behaviour = .pass
      try await withShop(around, ["state": crashed]) { shop in
        let found = try await shop.http.get("/v1/orders").json()["orders"]
        #expect(found.list.count == 1)
        #expect(found[0]["state"].text == "interrupted")
        let reply = try await shop.http.post(orderBody(), key: "k")
        let order = try reply.json()
        #expect(reply.headers["idempotency-replayed"] == "true")
        #expect(order["orderId"] == found[0]["orderId"])
        #expect(["approved", "queued"].contains(order["state"].text))
        let id = try #require(order["orderId"].text)
        _ = try await shop.order(id, in: "queued")
        let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
        let states = entries.filter { $0["event"] == .null }.compactMap { $0["state"].text }
        #expect(states == ["received", "verifying", "interrupted", "verifying", "approved", "queued"])
        #expect(try await shop.http.get("/v1/orders").json()["orders"].list.count == 1)
      }
    }
  }

  @Test func ordersKeysAndTheCursorOutliveARestart() async throws {
    try await withSurroundings { around in
      let id = try await withShop(around) { shop in
        let id = try #require(try await shop.http.post(orderBody(), key: "k").json()["orderId"].text)
        _ = try await shop.order(id, in: "queued")
        around.queue.tell(.executing, id)
        _ = try await shop.order(id, in: "executing")
        return id
      }
      try await withShop(around) { shop in
        #expect(try await shop.http.get("/v1/orders/\(id)").json()["state"].text == "executing")
        let again = try await shop.http.post(orderBody(), key: "k")
        #expect(again.headers["idempotency-replayed"] == "true")
        #expect(try again.json()["orderId"].text == id)
        #expect(try await shop.http.post(orderBody(quantity: 5), key: "k").status == 422, "the same secret")
        around.queue.tell(.executed, id)
        #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
        #expect(around.queue.cursors.last == 1)
        #expect(around.queue.taken.count == 1)
      }
    }
  }

  @Test func aKeyOfTheWrongSizeIsNamed() async throws {
    try await withSurroundings { around in
      let path = "\(around.folder)/orchestrator/fingerprint.key"
      try FileManager.default.createDirectory(
        atPath: "\(around.folder)/orchestrator", withIntermediateDirectories: true)
      try Data("short".utf8).write(to: URL(fileURLWithPath: path))
      let error = await #expect(throws: ConfigurationError.self) { try await withShop(around) { _ in } }
      #expect(error?.description.contains("fingerprint.key: must hold 32 bytes, not 5") == true)
    }
  }
}
