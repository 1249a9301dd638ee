import DaemonKit
import OrderDomain
import OrderProtos
import Testing

/// Orders that a service could not check, and that are held by policy.
@Suite(.timeLimit(.minutes(2))) struct HoldTests {
  private static let flags = ["orchestrator.fraud-failure": "hold", "orchestrator.order-deadline": "2s"]

  @Test func aHeldOrderGoesOnByItself() async throws {
    try await withShop(Self.flags) { shop, around in
      around.fraud.behaviour = .unavailable
      let reply = try await shop.http.post(orderBody(), key: "k")
      let order = try reply.json()
      #expect(reply.status == 202 && order["state"].text == "interrupted")
      #expect(order["reason"].text?.contains("fraud-detection") == true)
      #expect(await shop.report().summary.contains("1 held"))
      around.fraud.behaviour = .pass
      let id = try #require(order["orderId"].text)
      let queued = try await shop.order(id, in: "queued")
      #expect(queued["state"].text == "queued" && queued["reason"] == .null)
      #expect(around.queue.taken.map(\.orderID) == [id])
      #expect(await shop.report().summary.contains("held") == false)
      let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      let states = entries.filter { $0["event"] == .null }.compactMap { $0["state"].text }
      #expect(states.starts(with: ["received", "verifying", "interrupted", "verifying"]))
      #expect(Array(states.suffix(2)) == ["approved", "queued"])
      #expect(try await shop.http.post(orderBody(), key: "k").json()["orderId"].text == id)
    }
  }

  /// What was forgotten meanwhile would be held anew, for all of `max-hold` again, or by nobody.
  @Test func anOrderThatIsUnderCheckStaysHeld() async throws {
    try await withShop(Self.flags) { shop, around in
      around.fraud.behaviour = .unavailable
      #expect(try await shop.http.post(orderBody(), key: "k").status == 202)
      around.fraud.behaviour = .hang
      // Checked for the two seconds of its deadline, in which the orchestrator's own try comes due.
      async let again = shop.http.post(orderBody(), key: "k")
      for _ in 0..<30 {
        try await Task.sleep(for: .milliseconds(50))
        #expect(await shop.report().summary.contains("1 held"))
      }
      #expect(try await again.status == 202)
    }
  }

  @Test func afterItsTimeAHeldOrderIsRejected() async throws {
    try await withShop(Self.flags.merging(["orchestrator.max-hold": "1s"]) { $1 }) { shop, around in
      around.fraud.behaviour = .unavailable
      let id = try #require(try await shop.http.post(orderBody()).json()["orderId"].text)
      let order = try await shop.order(id, in: "rejected")
      #expect(order["rejection"]["code"].text == "service_unavailable")
      #expect(order["rejection"]["retryable"].boolean == true && order["reason"] == .null)
    }
  }

  @Test func whatFailsByItsContentIsNotHeld() async throws {
    try await withShop(Self.flags) { shop, around in
      around.fraud.behaviour = .fail(event: "e", .init(code: "odd", field: "", message: "odd"))
      let failed = try await shop.http.post(orderBody()).json()
      #expect(failed["state"].text == "rejected")
      around.fraud.behaviour = .pass
      around.verification.behaviour = .unavailable
      let unchecked = try await shop.http.post(orderBody()).json()
      #expect(unchecked["state"].text == "rejected", "the policy is the service's")
    }
  }

  @Test func noMoreAreHeldThanTheLimit() async throws {
    try await withShop(Self.flags.merging(["orchestrator.max-held": "1"]) { $1 }) { shop, around in
      around.fraud.behaviour = .unavailable
      let first = try await shop.http.post(orderBody()).json()
      #expect(first["state"].text == "interrupted")
      let second = try await shop.http.post(orderBody()).json()
      #expect(second["state"].text == "rejected")
    }
  }
}
