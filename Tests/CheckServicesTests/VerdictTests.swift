import DaemonKit
import OrderDomain
import OrderProtos
import OrderWire
import Testing
import VectorClock

/// What the rules of each service say, through its server.
struct VerdictTests {
  @Test func aGoodOrderPassesTransactionVerification() async throws {
    let order = try example("order.json")
    try await withRole("transaction-verification", transactionVerification()) { role in
      let reply = try await role.verify(checkRequest(["a", "b", "c"], order))
      #expect(reply.results.map(\.event) == ["a", "b", "c"])
      #expect(reply.results.allSatisfy { $0.outcome == .passed && $0.findings.isEmpty })
      #expect(await role.report().summary == "1 orders checked, 0 rejected")
    }
  }

  @Test func anExpiredCardFailsEventC() async throws {
    let order = try example("order-expired-card.json")
    try await withRole("transaction-verification", transactionVerification()) { role in
      let id = newOrderID()
      let reply = try await role.verify(checkRequest(["a", "b", "c"], order, id: id))
      #expect(reply.results.map(\.outcome) == [.passed, .passed, .failed])
      #expect(reply.results[2].findings.first?.code == "card_expired")
      #expect(reply.results[2].findings.first?.field == "/payment/card/expiry")
      #expect(role.log.lines.contains("info Check failed. code=card_expired event=c order_id=\(id)"))
      #expect(!role.log.lines.contains { $0.contains("4111") })
      #expect(await role.report().summary == "1 orders checked, 1 rejected")
    }
  }

  @Test func whatComesAfterAFailureInTheSameMessageIsSkipped() async throws {
    let order = try example("order-unknown-item.json")
    try await withRole("transaction-verification", transactionVerification()) { role in
      let reply = try await role.verify(checkRequest(["a", "b", "c"], order))
      #expect(reply.results.map(\.outcome) == [.failed, .passed, .skipped])
      #expect(reply.results[0].findings.first?.code == "item_unknown")
      // In a message of its own it is the caller who knows whether the predecessor has passed.
      let alone = try await role.verify(checkRequest(["c"], order))
      #expect(alone.results.map(\.outcome) == [.passed])
    }
  }

  @Test func aConfiguredCatalogIsUsed() async throws {
    let order = try example("order.json")
    let catalog = #"{"currency": "EUR", "items": [{"sku": "x", "title": "X", "price": 1, "tags": []}]}"#
    try await withFile(catalog) { path in
      try await withRole("transaction-verification", transactionVerification(["catalog": path])) { role in
        let reply = try await role.verify(checkRequest(["a"], order))
        #expect(reply.results.first?.findings.first?.code == "item_unknown")
      }
    }
  }

  @Test func fraudDetectionTellsAGoodOrderFromABadOne() async throws {
    let good = try example("order.json")
    let bad = try example("order-fraud.json")
    try await withFraudDetection() { role in
      let passed = try await role.screen(checkRequest(["d", "e"], good))
      #expect(passed.results.map(\.outcome) == [.passed, .passed])
      let failed = try await role.screen(checkRequest(["d", "e"], bad, amount: 580_500))
      #expect(failed.results.map(\.outcome) == [.passed, .failed])
      let findings = failed.results[1].findings
      #expect(findings.first?.score == findings.map(\.score).max())
      #expect(findings.map(\.code).contains("country_mismatch"))
      #expect(!role.log.lines.contains { $0.contains("378282246310005") })
    }
  }

  @Test func theBuyersScoreIsCarriedFromOneMessageToTheNext() async throws {
    let order = try example("order-fraud.json") { $0.items = [OrderItem(sku: "book-dune", quantity: 1)] }
    try await withFraudDetection() { role in
      let id = newOrderID()
      _ = try await role.screen(checkRequest(["d"], order, id: id))
      let withBuyer = try await role.screen(checkRequest(["e"], order, id: id))
      #expect(withBuyer.results.first?.outcome == .failed)
      #expect(withBuyer.results.first?.findings.first?.code == "buyer_suspicious")
      let without = try await role.screen(checkRequest(["e"], order))
      #expect(without.results.first?.outcome == .passed)
    }
  }

  @Test func aBlockedBuyerSkipsThePayment() async throws {
    let order = try example("order.json")
    try await withFile("# not here\n@Example.ORG  # a domain\n") { path in
      try await withFraudDetection(["fraud-detection.block-list": path]) { role in
        let reply = try await role.screen(checkRequest(["d", "e"], order))
        #expect(reply.results.map(\.outcome) == [.failed, .skipped])
        #expect(reply.results[0].findings.first?.code == "email_domain_blocked")
      }
    }
  }

  @Test func suggestionsNeverFailAnOrder() async throws {
    let order = try example("order.json")
    let unknown = try example("order-unknown-item.json")
    try await withRole("suggestions", suggestions()) { role in
      let first = try await role.suggest(checkRequest(["f"], order)).results[0]
      #expect(first.outcome == .passed)
      #expect(first.suggestions.count == 3)
      #expect(first.suggestions.allSatisfy { $0.sku != "book-dune" && !$0.title.isEmpty })
      #expect(try await role.suggest(checkRequest(["f"], unknown)).results[0].outcome == .passed)
    }
  }

  /// An approved order is not an executed one.
  @Test func suggestionsLearnNothingFromApproval() async throws {
    let order = try example("order.json") { $0.items.append(OrderItem(sku: "goods-bookends", quantity: 1)) }
    try await withRole("suggestions", suggestions()) { role in
      let id = newOrderID()
      let reply = try await role.suggest(checkRequest(["f"], order, id: id))
      var settle = settleRequest(id, try VectorClock(reply.clock))
      settle.approved = true
      #expect(try await role.settleSuggestions(settle).verdict == .consistent)
      #expect(await role.report().details["learnedOrders"] == 0)
    }
  }
}

/// Settings that cannot be used.
struct SettingsTests {
  @Test func everyMistakeIsTold() async throws {
    let error = await #expect(throws: ConfigurationError.self) {
      try await withFraudDetection([
        "fraud-detection.keys": "10", "fraud-detection.fault-delay": "soon",
      ]) { _ in }
    }
    #expect(error?.problems.count == 2)
    #expect(error?.description.contains("--set fraud-detection.keys: must be a whole number") == true)
    #expect(error?.description.contains("--set fraud-detection.fault-delay: must be a duration") == true)
  }

  @Test func aBadCatalogNamesFileAndField() async throws {
    try await withFile(
      #"{"currency": "EUR", "items": [{"sku": "x", "title": "X", "price": "1", "tags": []}]}"#
    ) { path in
      let error = await #expect(throws: ConfigurationError.self) {
        try await withRole("suggestions", suggestions(["catalog": path])) { _ in }
      }
      #expect(error?.problems == ["\(path): items[0].price: must be a whole number"])
    }
    let missing = await #expect(throws: ConfigurationError.self) {
      try await withRole("suggestions", suggestions(["catalog": "/nonexistent/catalog.json"])) { _ in }
    }
    #expect(missing?.problems == ["/nonexistent/catalog.json: cannot be read (no such file)"])
  }

  @Test func aBadListNamesTheLine() async throws {
    try await withFile("example.org\nnot a domain\n\nnodot\n") { path in
      let error = await #expect(throws: ConfigurationError.self) {
        try await withFraudDetection(["fraud-detection.block-list": path]) { _ in }
      }
      #expect(
        error?.problems.map { $0.hasPrefix("\(path):2:") || $0.hasPrefix("\(path):4:") } == [true, true])
    }
  }
}
