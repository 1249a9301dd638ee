import Foundation
import Testing

/// Batches, lists, cancels and histories of real processes, by `ordersctl`; and the OpenAPI document against them.
@Suite("REST", .serialized)
struct RESTSurfaceTests {
  private struct Line: Decodable {
    struct Summary: Decodable {
      let accepted: Int
      let rejected: Int
    }
    let line: Int?
    let orderId: String?
    let state: String?
    let summary: Summary?
  }

  private struct Causality: Decodable {
    struct Edge: Decodable {
      let from: Int
      let to: Int
    }
    let verdict: String
    let edges: [Edge]
  }

  @Test("ordersctl: a batch, a filtered list, a history that is verified, cancels in time and too late")
  func commands() async throws {
    try await Cluster.with { cluster in
      let batch = try await cluster.ordersctl("submit", "--batch", "examples/orders.ndjson", "-o", "json")
      #expect(batch.status == 3, "\(batch.errors)")
      let lines = try batch.output.split(separator: "\n").map {
        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
      }
      #expect(lines.last?.summary?.accepted == 2 && lines.last?.summary?.rejected == 1)
      let approved = lines.filter { $0.state == "approved" }.compactMap(\.orderId)
      #expect(approved.count == 2)
      for id in approved {
        let waited = try await cluster.ordersctl("wait", id, "--for", "executed")
        #expect(waited.status == 0, "\(waited.errors)")
        let verified = try await cluster.ordersctl("verify", id)
        #expect(verified.status == 0 && verified.output.contains("consistent"), "\(verified)")
        let causality = try await cluster.get("/v1/orders/\(id)/causality", as: Causality.self)
        #expect(causality.verdict == "consistent" && !causality.edges.isEmpty)
      }
      let dot = try await cluster.ordersctl("trace", "--dot", approved[0])
      #expect(dot.status == 0 && dot.output.hasPrefix("digraph causality {"))
      let listed = try await cluster.ordersctl(
        "list", "--email", "CHARLES@example.org", "--state", "executed", "--from", "2020-01-01", "-o", "name")
      #expect(listed.output.split(separator: "\n").count == 1, "\(listed)")
      let late = try await cluster.ordersctl("cancel", approved[0], "--reason", "ordered twice")
      #expect(late.status == 7 && late.errors.contains("executed"), "\(late)")

      #expect(try await cluster.ordersctl("queue", "pause").status == 0)
      let waiting = try await cluster.ordersctl("submit", "examples/order.json", "-o", "name")
      let id = String(waiting.output.prefix { !$0.isNewline })
      let cancelled = try await cluster.ordersctl("cancel", id, "--reason", "ordered twice")
      #expect(cancelled.status == 0 && cancelled.output.contains("cancelled"), "\(cancelled)")
      #expect(try await cluster.ordersctl("cancel", id).status == 0, "repeating it changes nothing")
      #expect(try await cluster.ordersctl("verify", id).status == 0)
      #expect(try await cluster.ordersctl("queue", "resume").status == 0)
      #expect(try cluster.executions().keys.contains(String(id.dropFirst("order/".count))) == false)
    }
  }

  /// The queue is stopped while cancels and hand-overs cross; whatever was answered as cancelled is never carried
  /// out.
  @Test("Cancels that race with the queue's death: cancelled is never carried out, everything else once")
  func racingCancels() async throws {
    try await Cluster.with { cluster in
      let body = try Programs.example("order.json")
      var answers: [String: Int] = [:]
      for round in 0..<6 {
        if round % 2 == 1 { try cluster.signal("order-queue", SIGKILL) }
        try await withThrowingTaskGroup(of: (String, Int).self) { group in
          for _ in 0..<10 {
            group.addTask {
              let order = try await cluster.submit(body)
              let (status, _) = try await cluster.request(
                .post, "/v1/orders/\(order.orderId)/cancel", headers: [("Content-Type", "application/json")],
                body: Data(#"{"reason": "changed my mind"}"#.utf8))
              return (order.orderId, status)
            }
          }
          for try await (id, status) in group { answers[id] = status }
        }
      }
      #expect(Set(answers.values).isSubset(of: [200, 202, 409, 503]), "\(answers)")
      try await eventually("every order is settled", within: .seconds(40)) {
        for id in answers.keys {
          let order = try await cluster.get("/v1/orders/\(id)", as: OrderView.self)
          if !["executed", "cancelled"].contains(order.state) { return false }
        }
        return true
      }
      let executed = try cluster.executions()
      for (id, status) in answers {
        let state = try await cluster.get("/v1/orders/\(id)", as: OrderView.self).state
        #expect(executed[id] ?? 0 == (state == "executed" ? 1 : 0), "\(id) is \(state)")
        if status == 200 { #expect(state == "cancelled") }
        #expect(
          try await cluster.get("/v1/orders/\(id)/causality", as: Causality.self).verdict == "consistent")
      }
    }
  }

  @Test(
    "schemathesis finds nothing that the OpenAPI document does not say",
    .enabled(if: ProcessInfo.processInfo.environment["SCHEMATHESIS"] != nil))
  func schemathesis() async throws {
    try await Cluster.with { cluster in
      let result = try await Programs.run(
        Programs.root.appendingPathComponent("tools/schemathesis"),
        ["http://127.0.0.1:\(8081 + cluster.portOffset)"], limit: .seconds(600))
      #expect(result.status == 0, "\(result.output)\(result.errors)")
      print(result.output.suffix(1_500))
    }
  }
}
