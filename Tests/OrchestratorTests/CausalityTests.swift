import CheckoutFlow
import OrderProtos
import Testing
import VectorClock

@testable import Orchestrator

/// What happened before what, over REST.
@Suite(.timeLimit(.minutes(2))) struct CausalityTests {
  @Test func anExecutedOrderHasAConsistentHistory() async throws {
    try await withShop { shop, around in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      around.queue.tell(.executing, id)
      around.queue.tell(.executed, id)
      _ = try await shop.order(id, in: "executed")
      let view = try await shop.http.get("/v1/orders/\(id)/causality").json()
      #expect(view["verdict"].text == "consistent" && view["violations"].list.isEmpty, "\(view)")
      #expect(view["orderId"].text == id && view["state"].text == "executed")
      #expect(view["truncated"].boolean == false && (view["concurrentPairs"].number ?? 0) > 0)
      let events = view["events"].list
      let byName = Dictionary(
        events.map { ($0["event"].text ?? $0["state"].text ?? "", Int($0["sequence"].number ?? 0)) },
        uniquingKeysWith: { first, _ in first })
      let edges = view["edges"].list.map { (Int($0["from"].number ?? 0), Int($0["to"].number ?? 0)) }
      #expect(edges.contains { $0 == byName["received"] ?? 0 && $1 == byName["verifying"] ?? 0 })
      func reaches(_ from: Int, _ to: Int) -> Bool {
        edges.contains { $0.0 == from && ($0.1 == to || reaches($0.1, to)) }
      }
      for (before, after) in [("a", "c"), ("b", "d"), ("c", "e"), ("d", "e"), ("a", "f"), ("e", "g")] {
        #expect(reaches(byName[before] ?? 0, byName[after] ?? 0), "\(before) before \(after)")
      }
      #expect(edges.count < events.count * (events.count - 1) / 2, "only the reduction is told")
    }
  }

  @Test func whatAServiceReportsMakesTheVerdictBad() async throws {
    try await withShop { shop, around in
      around.fraud.violateCausality()
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      #expect(
        try await eventually {
          try await shop.http.get("/v1/orders/\(id)/causality").json()["verdict"].text == "violated"
        })
      let view = try await shop.http.get("/v1/orders/\(id)/causality").json()
      let violation = view["violations"][0]
      #expect(view["violations"].list.count == 1, "told once: \(view["violations"])")
      #expect(violation["rule"].text == "reported" && violation["service"].text == "fraud-detection")
      let line = try #require(
        view["events"].list.first { $0["sequence"].number == violation["events"][0].number })
      #expect(line["actor"].text == "fraud-detection" && line["state"].text == "violation")
      #expect(line["clock"]["fraud-detection"].number != nil)
      let graph = try await shop.http.get("/v1/orders/\(id)/causality?format=dot").body
      #expect(graph.contains("violated") && graph.contains("color=red"))
      #expect(
        try await shop.states(of: id).filter { $0 != "violation" }.last == "queued", "the order goes on")
    }
  }

  @Test func theGraphIsHadByTypeOrByParameter() async throws {
    try await withShop { shop, _ in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      let path = "/v1/orders/\(id)/causality"
      for reply in [
        try await shop.http.get(path, ["Accept": "text/vnd.graphviz, */*;q=0.1"]),
        try await shop.http.get(path + "?format=dot"),
      ] {
        #expect(reply.status == 200 && reply.headers["content-type"]?.hasPrefix("text/vnd.graphviz") == true)
        #expect(reply.body.hasPrefix("digraph causality {\n") && reply.body.hasSuffix("}\n"))
        #expect(
          reply.body.contains("e1 -> e2;") && reply.body.contains("label=\"transaction-verification\";"))
      }
      let json = try await shop.http.get(path + "?format=json", ["Accept": "text/vnd.graphviz"])
      #expect(json.headers["content-type"] == "application/json")
      #expect(try await shop.http.get(path + "?format=svg").status == 422)
      #expect(
        try await shop.http.get("/v1/orders/0192f3a1-0000-7000-8000-000000000000/causality").status == 404)
    }
  }

  @Test func aViolationIsNamedInBothForms() throws {
    var order = try sampleOrder()
    func entry(_ event: String, _ actor: String, _ clock: [String: UInt64]) -> TimelineEntry {
      TimelineEntry(
        at: order.createdAt, actor: actor, event: event, state: "passed", clock: VectorClock(clock))
    }
    let entries = [
      entry("a", "transaction-verification", ["transaction-verification": 2]),
      entry("c", "transaction-verification", ["transaction-verification": 1]),
      entry("d", "fraud\"\\", ["fraud-detection": 1]),
    ]
    order.clock = VectorClock(["transaction-verification": 2])
    let view = CausalityView(order, entries)
    #expect(view.verdict == .violated)
    #expect(
      Set(view.violations.map(\.rule)) == ["process_order", "required_order", "own_tick", "beyond_final"])
    #expect(view.violations.first { $0.rule == "required_order" }?.events == [1, 2])
    #expect(view.dot.contains("color=red") && view.dot.contains(#"label="fraud\"\\""#))
  }
}
