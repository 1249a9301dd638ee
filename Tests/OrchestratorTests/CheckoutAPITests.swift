import CheckoutFlow
import OrderDomain
import OrderProtos
import Testing
import VectorClock

/// Orders over REST, with check services that do as they are told.
@Suite(.timeLimit(.minutes(2))) struct CheckoutAPITests {
  private static let expired = Finding(
    code: "card_expired", field: "/payment/card/expiry", message: "the card has expired; use another")

  @Test func anApprovedOrderIsAnsweredWithItsSuggestions() async throws {
    try await withShop { shop, around in
      let reply = try await shop.http.post(orderBody())
      let order = try reply.json()
      let id = try #require(order["orderId"].text)
      #expect(reply.status == 201 && reply.headers["content-type"] == "application/json")
      #expect(reply.headers["location"] == "/v1/orders/\(id)")
      #expect(reply.headers["idempotency-replayed"] == nil)
      #expect(order["state"].text == "approved" && order["priority"].number == 2)
      #expect(order["total"]["minorUnits"].number == 2_598)
      #expect(order["suggestions"]["degraded"].boolean == false)
      #expect(order["suggestions"]["items"][0]["sku"].text == "book-emma")
      #expect(order["card"]["lastFour"].text == "1111" && order["card"]["brand"].text == "visa")
      #expect(try await shop.order(id, in: "queued")["state"].text == "queued")
      #expect(around.verification.requests == [["a", "b", "c"]])
      #expect(around.fraud.requests == [["d", "e"]])
      let checks = [around.verification, around.fraud, around.suggestions]
      #expect(
        try await eventually { checks.allSatisfy { $0.verdicts == [.consistent] } },
        "every service is settled")
    }
  }

  @Test func theTimelineFollowsTheEventTable() async throws {
    try await withShop { shop, _ in
      let id = try #require(try await shop.http.post(orderBody()).json()["orderId"].text)
      _ = try await shop.order(id, in: "queued")
      let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      #expect(entries.map { $0["sequence"].number } == (1...entries.count).map(Double.init))
      let states = entries.filter { $0["event"] == .null }.compactMap { $0["state"].text }
      #expect(states == ["received", "verifying", "approved", "queued"])
      var clocks: [String: VectorClock] = [:]
      for entry in entries {
        guard let event = entry["event"].text, case .object(let components) = entry["clock"] else { continue }
        clocks[event] = VectorClock(components.mapValues { UInt64($0.number ?? 0) })
      }
      #expect(Set(clocks.keys) == ["a", "b", "c", "d", "e", "f", "g"])
      for event in EventTable.checkout.events {
        for predecessor in event.after {
          let (before, after) = try (#require(clocks[predecessor]), #require(clocks[event.id]))
          #expect(before.happenedBefore(after), "\(predecessor) before \(event.id)")
        }
      }
    }
  }

  @Test func aRejectionNamesEventServiceAndReason() async throws {
    try await withShop { shop, around in
      around.verification.behaviour = .fail(event: "c", Self.expired)
      let reply = try await shop.http.post(orderBody())
      let order = try reply.json()
      let rejection = order["rejection"]
      #expect(reply.status == 201 && order["state"].text == "rejected")
      #expect(
        rejection["event"]["id"].text == "c" && rejection["event"]["name"].text == "verify payment card")
      #expect(
        rejection["service"].text == "transaction-verification" && rejection["code"].text == "card_expired")
      #expect(rejection["retryable"].boolean == false)
      #expect(rejection["findings"][0]["field"].text == "/payment/card/expiry")
      #expect(around.fraud.requests.isEmpty && around.queue.taken.isEmpty)
    }
  }

  @Test func aRepeatedKeyIsAnsweredWithTheSameOrder() async throws {
    try await withShop { shop, around in
      let first = try await shop.http.post(orderBody(), key: "k-1")
      let again = try await shop.http.post(orderBody(), key: "k-1")
      #expect(again.status == 201 && again.headers["idempotency-replayed"] == "true")
      #expect(first.headers["idempotency-replayed"] == nil)
      let known = try first.json()["orderId"]
      #expect(try again.json()["orderId"] == known)
      #expect(again.headers["location"] == first.headers["location"])
      #expect(around.verification.requests.count == 1)

      let other = try await shop.http.post(orderBody(quantity: 3), key: "k-1")
      #expect(other.status == 422 && other.headers["content-type"] == "application/problem+json")
      #expect(try other.json()["code"].text == "idempotency_key_reused")
      #expect(try other.json()["orderId"] == known)
    }
  }

  @Test func aHundredParallelDuplicatesAreOneOrder() async throws {
    try await withShop { shop, around in
      let replies = try await withThrowingTaskGroup(of: HTTPReply.self) { tasks in
        for _ in 0..<100 { tasks.addTask { try await shop.http.post(orderBody(), key: "same") } }
        return try await tasks.reduce(into: []) { $0.append($1) }
      }
      #expect(replies.allSatisfy { $0.status == 201 })
      #expect(Set(try replies.map { try $0.json()["orderId"] }).count == 1)
      #expect(replies.filter { $0.headers["idempotency-replayed"] == nil }.count == 1)
      #expect(around.verification.requests.count == 1)
      #expect(try await eventually { around.queue.taken.count == 1 })
      #expect(try await shop.http.get("/v1/orders").json()["orders"].list.count == 1)
    }
  }

  // MARK: Services that fail

  @Test(arguments: ["down", "unavailable", "hang"], ["transaction-verification", "fraud-detection"])
  func aCheckThatCannotBeMadeRejectsWithinTheDeadline(_ how: String, _ service: String) async throws {
    try await withShop(
      down: how == "down" ? [service] : [], ["orchestrator.order-deadline": "1s"]
    ) { shop, around in
      let fake = service == "fraud-detection" ? around.fraud : around.verification
      fake.behaviour = how == "hang" ? .hang : .unavailable
      let start = ContinuousClock.now
      let reply = try await shop.http.post(orderBody())
      #expect(ContinuousClock.now - start < .seconds(3))
      let rejection = try reply.json()["rejection"]
      #expect(reply.status == 201 && rejection["code"].text == "service_unavailable")
      #expect(rejection["service"].text == service && rejection["retryable"].boolean == true)
      #expect(rejection["reason"].text?.contains(service) == true)
      if how == "unavailable" { #expect((2...5).contains(fake.requests.count), "tried again") }
      let id = try #require(try reply.json()["orderId"].text)
      let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      #expect(entries.contains { $0["state"].text == "unavailable" })
    }
  }

  @Test(arguments: ["down", "unavailable", "hang", "fail"])
  func suggestionsThatDoNotComeOnlyDegradeTheAnswer(_ how: String) async throws {
    try await withShop(
      down: how == "down" ? ["suggestions"] : [], ["orchestrator.order-deadline": "20s"]
    ) { shop, around in
      around.suggestions.behaviour =
        switch how {
        case "hang": .hang
        case "fail": .fail(event: "f", Finding(code: "odd", field: "", message: "odd"))
        default: .unavailable
        }
      let start = ContinuousClock.now
      let order = try await shop.http.post(orderBody()).json()
      #expect(ContinuousClock.now - start < .seconds(6), "their deadline is 250 ms, not the order's 20 s")
      #expect(order["state"].text == "approved")
      #expect(order["suggestions"]["degraded"].boolean == true && order["suggestions"]["items"].list.isEmpty)
    }
  }

  @Test func theAnswerDoesNotWaitForServicesToForgetTheOrder() async throws {
    try await withShop { shop, around in
      for check in [around.verification, around.fraud, around.suggestions] { check.hangOnSettle() }
      let start = ContinuousClock.now
      let order = try await shop.http.post(orderBody()).json()
      #expect(order["state"].text == "approved")
      #expect(ContinuousClock.now - start < .milliseconds(2_500), "three silent services take 3 s")
    }
  }
}
