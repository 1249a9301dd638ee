import CoreTime
import DaemonKit
import GRDB
import Logging
import NIOPosix
import OrderDomain
import OrderProtos
import OrderStore
import Testing

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The list: its filters, its pages, its counts.
@Suite(.timeLimit(.minutes(2))) struct ListTests {
  private func ids(_ shop: Shop, _ query: String) async throws -> [String] {
    let reply = try await shop.http.get("/v1/orders?\(query)")
    #expect(reply.status == 200, "\(query): \(reply.body)")
    return try reply.json()["orders"].list.compactMap { $0["orderId"].text }
  }

  @Test func everyFilterHoldsBackWhatItShould() async throws {
    try await withShop { shop, around in
      let ada = try await shop.submit(orderLine(priority: 1))
      let bob = try await shop.submit(orderLine(email: "Bob@Example.ORG", priority: 7))
      around.verification.behaviour = .fail(
        event: "c", Finding(code: "card_expired", field: "/payment/card/expiry", message: "expired"))
      let rejected = try await shop.submit(orderLine(priority: 7))
      for id in [ada, bob] { _ = try await shop.order(id, in: "queued") }
      #expect(try await ids(shop, "") == [rejected, bob, ada])
      #expect(try await ids(shop, "state=queued") == [bob, ada])
      #expect(try await ids(shop, "email=bob@example.org") == [bob])
      #expect(try await ids(shop, "email=ada%40example.org") == [rejected, ada])
      #expect(try await ids(shop, "priority=7") == [rejected, bob])
      #expect(try await ids(shop, "reason=card_expired") == [rejected])
      #expect(try await ids(shop, "reason=item_unknown") == [])
      #expect(try await ids(shop, "priority=7&state=queued") == [bob])
      #expect(
        try await ids(shop, "email=ada@example.org&state=rejected&priority=7&reason=card_expired") == [
          rejected
        ])
      let made = try #require(try await shop.http.get("/v1/orders/\(bob)").json()["createdAt"].text)
      #expect(try await ids(shop, "to=\(made)") == [ada])
      #expect(Set(try await ids(shop, "from=\(made)")).isSuperset(of: [rejected, bob]))
      #expect(try await ids(shop, "from=2999-01-01") == [])
      let counts = try await shop.http.get("/v1/orders?email=nobody@example.org").json()["counts"]
      #expect(counts["queued"].number == 2 && counts["rejected"].number == 1 && counts["approved"] == .null)
    }
  }

  @Test func flaggedOrdersAreMarkedAndFound() async throws {
    try await withShop { shop, around in
      let plain = try await shop.submit()
      let flag = Finding(code: "flagged_for_review", field: "", message: "score 45: emails_per_card")
      let cause = Finding(code: "emails_per_card", field: "/customer/email", message: "the third", score: 45)
      around.fraud.behaviour = .note(event: "e", [flag, cause])
      let flagged = try await shop.submit(orderLine(priority: 1))
      around.fraud.behaviour = .note(event: "d", [cause])
      let odd = try await shop.submit()
      for id in [plain, flagged, odd] { _ = try await shop.order(id, in: "queued") }
      #expect(try await ids(shop, "flagged=true") == [flagged])
      #expect(try await ids(shop, "flagged=true&state=queued&priority=1") == [flagged])
      #expect(try await ids(shop, "flagged=true&state=rejected") == [])
      #expect(try await ids(shop, "") == [odd, flagged, plain])
      let order = try await shop.http.get("/v1/orders/\(flagged)").json()
      #expect(order["flagged"].boolean == true && order["findings"].list.count == 2)
      #expect(order["findings"][1]["code"].text == "emails_per_card")
      let noted = try await shop.http.get("/v1/orders/\(odd)").json()
      #expect(noted["flagged"].boolean == false && noted["findings"].list.count == 1)
      #expect(try await shop.http.get("/v1/orders/\(plain)").json()["findings"] == .null)
      let next = try #require(try await shop.http.get("/v1/orders?limit=1").json()["next"].text)
      for bad in ["flagged=false", "flagged=", "flagged=true&cursor=\(next)"] {
        #expect(try await shop.http.get("/v1/orders?\(bad)").status == 422, "\(bad)")
      }
    }
  }

  @Test func aCursorIsGoodForItsOwnListOnly() async throws {
    try await withShop { shop, _ in
      for _ in 0..<3 { _ = try await shop.submit() }
      let first = try await shop.http.get("/v1/orders?limit=2&email=ada@example.org").json()
      let next = try #require(first["next"].text)
      #expect(try await ids(shop, "limit=1&email=ADA@example.org&cursor=\(next)").count == 1)
      let flipped = next.prefix(47) + (next.last == "0" ? "1" : "0")
      for bad in [
        "limit=2&cursor=\(next)", "email=ada@example.org&cursor=\(flipped)", "cursor=", "cursor=\(next)0",
      ] {
        let reply = try await shop.http.get("/v1/orders?\(bad)")
        #expect(reply.status == 422, "\(bad): \(reply.body)")
        #expect(try reply.json()["errors"][0]["field"].text == "cursor")
      }
    }
  }

  @Test(arguments: [
    ("from=yesterday", "from"), ("to=2026-02-30", "to"),
    ("priority=10", "priority"),
    ("priority=+1", "priority"), ("email=", "email"), ("reason=", "reason"), ("state=", "state"),
    ("state=queued&state=failed", "state"),
  ]) func aWrongFilterIsNamed(query: String, field: String) async throws {
    try await withShop { shop, _ in
      let reply = try await shop.http.get("/v1/orders?\(query)")
      #expect(reply.status == 422 && reply.headers["content-type"] == "application/problem+json")
      #expect(try reply.json()["errors"][0]["field"].text == field, "\(reply.body)")
    }
  }
}

/// The statements behind the list, and the step of the schema that brought them.
@Suite(.timeLimit(.minutes(2))) struct OrderIndexTests {
  private func withStore(
    _ steps: [SchemaStep] = OrderSchema.steps, at path: String? = nil,
    _ body: (DurableStore) async throws -> Void
  ) async throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/ordersd-test-\(UInt64.random(in: 0 ... .max))"
    let context = DaemonContext(
      process: "orchestrator", logger: Logger(label: "x") { _ in SwiftLogNoOpLogHandler() }, clocks: .system,
      heartbeats: Heartbeats(clocks: .system), eventLoopGroup: .singleton)
    let store = try DurableStore(
      path: path ?? "\(folder)/orders.db", schema: steps, failureMode: .carryOn, context: context)
    try await body(store)
    try store.close()
    if path == nil { try FileManager.default.removeItem(atPath: folder) }
  }

  private func order(_ number: Int, email: String, level: Int) throws -> StoredOrder {
    var random = SystemRandomNumberGenerator()
    let time = Timestamp(milliseconds: 1_795_348_800_000 + Int64(number))
    let address = Address(street: "Ülikooli 18", city: "Tartu", postalCode: "50090", country: "EE")
    let card = Card(holder: "Ada", number: "4111111111111111", expiry: "12/30", cvv: "123")
    return StoredOrder(
      id: OrderID(at: time, using: &random),
      request: OrderRequest(
        customer: Customer(name: "Ada", email: email), items: [], billingAddress: address,
        payment: Payment(card: card)),
      priority: try #require(Priority(level)), total: nil,
      card: CardSummary(brand: .visa, lastFour: "1111", fingerprint: "0"), at: time)
  }

  /// The plan of the statement that a filter comes to: never a scan of the table, never a sort.
  @Test func noListScansOrSorts() async throws {
    try await withStore { store in
      for (index, column) in [
        ("orders_by_code", "code"), ("orders_by_email", "email"), ("orders_by_state", "state"),
        ("orders_by_priority", "priority"),
      ] {
        let plan = try await store.read { db in
          try Row.fetchAll(
            db,
            sql: """
              EXPLAIN QUERY PLAN SELECT id, record FROM orders INDEXED BY \(index)
              WHERE id < 'g' AND id >= '' AND \(column) = 'x' ORDER BY id DESC LIMIT 10
              """
          ).map { $0["detail"] as String }
        }
        #expect(plan.count == 1 && plan[0].contains("SEARCH") && plan[0].contains(index), "\(plan)")
      }
      let changes = try await store.read { db in
        try String.fetchAll(
          db, sql: "EXPLAIN QUERY PLAN SELECT record FROM orders WHERE change > 5 ORDER BY change LIMIT 9"
        )
          + Row.fetchAll(
            db, sql: "EXPLAIN QUERY PLAN SELECT record FROM orders WHERE change > 5 ORDER BY change LIMIT 9"
          ).map { $0["detail"] as String }
      }
      #expect(changes.last?.contains("SEARCH") == true && changes.last?.contains("orders_by_change") == true)
    }
  }

  @Test func aPageThatFindsLittleEndsAndGoesOn() async throws {
    try await withStore { store in
      let sought = OrderTable.maximumExamined + 20
      let orders = try (0...sought).map { try order($0, email: "a@b.c", level: $0 == 3 ? 1 : 5) }
      for start in stride(from: 0, to: orders.count, by: 500) {
        let part = Array(orders[start..<min(start + 500, orders.count)])
        try await store.commit { db in
          for order in part { try OrderTable.insert(order, entries: [], db) }
        }
      }
      let filter = OrderFilter(email: "a@b.c", priority: Priority(1))
      let first = try await store.read { db in try OrderTable.page(filter, before: nil, limit: 10, db) }
      #expect(first.orders.isEmpty)
      let end = try #require(first.end, "given up after \(OrderTable.maximumExamined) rows, not finished")
      let second = try await store.read { db in try OrderTable.page(filter, before: end, limit: 10, db) }
      #expect(second.orders.map(\.id) == [orders[3].id] && second.end == nil)
      #expect(try await store.read(OrderTable.counts) == ["received": orders.count])
    }
  }

  @Test func anOlderFileIsBroughtUpToDate() async throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/ordersd-test-\(UInt64.random(in: 0 ... .max))"
    let path = "\(folder)/orders.db"
    let old = try (0..<3).map { try order($0, email: "Ada@Example.org", level: $0) }
    try await withStore(Array(OrderSchema.steps.prefix(2)), at: path) { store in
      try await store.commit { db in
        for order in old {
          try db.execute(
            sql: "INSERT INTO orders (id, state, record) VALUES (?, ?, ?)",
            arguments: [
              order.id.description, order.state.rawValue,
              String(decoding: try JSONEncoder().encode(order), as: UTF8.self),
            ])
        }
      }
    }
    try await withStore(at: path) { store in
      let (page, counts, changes) = try await store.read { db in
        (
          try OrderTable.page(OrderFilter(email: "ada@example.org"), before: nil, limit: 10, db),
          try OrderTable.counts(db), try OrderTable.changes(after: 1, of: nil, limit: 10, db)
        )
      }
      #expect(page.orders.map(\.id) == old.reversed().map(\.id) && counts == ["received": 3])
      #expect(changes.map(\.number) == [2, 3] && changes.map(\.order.id) == old.dropFirst().map(\.id))
    }
    try FileManager.default.removeItem(atPath: folder)
  }
}
