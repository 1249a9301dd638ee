import DaemonKit
import OrderDomain
import OrderProtos
import Testing

/// The streams to the check services when something goes wrong on them.
@Suite(.timeLimit(.minutes(2))) struct SessionTests {
  private func states(_ shop: Shop, _ id: String) async throws -> [String] {
    try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      .filter { $0["event"] == .null }.compactMap { $0["state"].text }
  }

  private func lateAnswers(_ shop: Shop, of service: String) async -> Int? {
    guard case .object(let sessions)? = await shop.report().details["sessions"],
      case .object(let session)? = sessions[service],
      case .integer(let late)? = session["lateAnswers"]
    else { return nil }
    return Int(late)
  }

  @Test func ordersShareOneStreamOfEachService() async throws {
    try await withShop { shop, around in
      try await withThrowingTaskGroup(of: HTTPReply.self) { tasks in
        for _ in 0..<50 { tasks.addTask { try await shop.http.post(orderBody()) } }
        for try await reply in tasks { #expect(try reply.json()["state"].text == "approved") }
      }
      for check in [around.verification, around.fraud, around.suggestions] {
        #expect(check.sessions == 1 && check.requests.count == 50)
      }
      #expect(around.verification.messages.contains { $0 > 1 }, "what waits travels together")
      #expect(
        around.verification.budgets.allSatisfy { (1...2_000).contains($0) }, "the deadline is carried along")
    }
  }

  @Test func aLostStreamIsTakenUpAndItsCallsAreTriedAgain() async throws {
    try await withShop { shop, around in
      around.verification.behaviour = .hang
      async let answer = shop.http.post(orderBody())
      #expect(try await eventually { around.verification.requests.count == 1 })
      around.verification.behaviour = .pass
      around.verification.breakSessions()
      let order = try await answer.json()
      #expect(order["state"].text == "approved")
      #expect(around.verification.sessions == 2 && around.verification.requests.count == 2)
    }
  }

  @Test func doubledAnswersChangeNothing() async throws {
    try await withShop { shop, around in
      for check in [around.verification, around.fraud, around.suggestions] { check.behaviour = .double }
      let id = try #require(try await shop.http.post(orderBody()).json()["orderId"].text)
      _ = try await shop.order(id, in: "queued")
      #expect(try await states(shop, id) == ["received", "verifying", "approved", "queued"])
      #expect(try await eventually { around.verification.verdicts == [.consistent] })
      #expect(around.log.lines.allSatisfy { !$0.hasPrefix("error") })
    }
  }

  @Test func aLateAnswerIsTooLateAndThePeerIsTold() async throws {
    try await withShop(["orchestrator.order-deadline": "1s"]) { shop, around in
      around.fraud.behaviour = .late(.milliseconds(1_800))
      let order = try await shop.http.post(orderBody()).json()
      let id = try #require(order["orderId"].text)
      #expect(order["state"].text == "rejected" && order["rejection"]["service"].text == "fraud-detection")
      #expect(try await eventually { around.fraud.cancelled == [id] }, "the cancel reaches the peer")
      around.fraud.behaviour = .pass
      // On the same stream, after the late answer.
      #expect(try await eventually { await lateAnswers(shop, of: "fraud-detection") == 1 })
      #expect(try await shop.http.get("/v1/orders/\(id)").json()["state"].text == "rejected")
      #expect(try await shop.http.post(orderBody()).json()["state"].text == "approved")
      #expect(around.fraud.sessions == 1)
    }
  }

  @Test func aRejectionCancelsWhatStillRuns() async throws {
    try await withShop(["orchestrator.order-deadline": "20s", "orchestrator.suggestions-deadline": "10s"]) {
      shop, around in
      around.suggestions.behaviour = .hang
      around.fraud.behaviour = .fail(event: "d", .init(code: "odd", field: "", message: "odd"))
      let order = try await shop.http.post(orderBody()).json()
      #expect(order["state"].text == "rejected")
      let id = try #require(order["orderId"].text)
      #expect(try await eventually { around.suggestions.cancelled == [id] })
    }
  }

  // MARK: The circuit

  private func circuit(_ shop: Shop, of service: String) async throws -> String? {
    try await shop.http.get("/v1/status").json()["peers"].list.first { $0["service"].text == service }?[
      "circuit"
    ].text
  }

  @Test func aPeerThatFailsIsSparedAndComesBack() async throws {
    let flags = [
      "orchestrator.order-deadline": "2s", "orchestrator.circuit-failures": "3",
      "orchestrator.retries": "0",
      // Longer than the requests below take on a busy machine: after it the peer is asked, as a probe.
      "orchestrator.circuit-pause": "3s",
    ]
    try await withShop(flags) { (shop, around) async throws in
      #expect(try await circuit(shop, of: "fraud-detection") == "closed")
      around.fraud.behaviour = .unavailable
      for _ in 0..<3 {
        #expect(
          try await shop.http.post(orderBody()).json()["rejection"]["code"].text == "service_unavailable")
      }
      #expect(try await circuit(shop, of: "fraud-detection") == "open")
      #expect(await shop.report().summary.contains("circuit open: fraud-detection"))
      let asked = around.fraud.requests.count
      #expect(try await shop.http.post(orderBody()).json()["state"].text == "rejected")
      #expect(around.fraud.requests.count == asked, "it is not asked")
      around.fraud.behaviour = .pass
      #expect(
        try await eventually { try await shop.http.post(orderBody()).json()["state"].text == "approved" })
      #expect(
        try await eventually {
          _ = try await shop.http.post(orderBody())
          return try await circuit(shop, of: "fraud-detection") == "closed"
        })
    }
  }
}
