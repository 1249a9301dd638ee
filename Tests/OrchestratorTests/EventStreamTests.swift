import CoreTime
import Foundation
import OrderDomain
import OrderProtos
import Testing
import VectorClock

@testable import Orchestrator

/// A stored order for tests that need no service.
func sampleOrder() throws -> StoredOrder {
  let id = try #require(OrderID("0192f3a1-0000-7000-8000-000000000000"))
  let address = Address(street: "Ülikooli 18", city: "Tartu", postalCode: "50090", country: "EE")
  let card = Card(holder: "Ada", number: "4111111111111111", expiry: "12/30", cvv: "123")
  return StoredOrder(
    id: id,
    request: OrderRequest(
      customer: Customer(name: "Ada", email: "ada@example.org"), items: [], billingAddress: address,
      payment: Payment(card: card)),
    priority: try #require(Priority(5)), total: nil,
    card: CardSummary(brand: .visa, lastFour: "1111", fingerprint: "0"),
    at: id.time)
}

/// One event as it was sent.
private struct SentEvent {
  let id: UInt64?
  let name: String?
  let order: JSON

  static func all(_ body: String) throws -> [SentEvent] {
    try body.components(separatedBy: "\n\n").filter { !$0.hasPrefix(":") && $0.contains("data:") }.map {
      text in
      func field(_ name: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("\(name): ") }.map {
          String($0.dropFirst(name.count + 2))
        }
      }
      let data = try #require(field("data"))
      return SentEvent(
        id: field("id").flatMap(UInt64.init), name: field("event"),
        order: try JSONDecoder().decode(JSON.self, from: Data(data.utf8)))
    }
  }
}

/// Server-sent events: their order, their ids, and how a client goes on.
@Suite(.timeLimit(.minutes(2))) struct EventStreamTests {
  private static let path = ["received", "verifying", "approved", "queued", "executing", "executed"]

  /// All orders, followed while many change at once: ids grow, and no order goes back.
  @Test func changesOfAllOrdersComeInTheirOrder() async throws {
    try await withShop { shop, around in
      let begun = Gathered<Bool>()
      let count = 40
      try await withThrowingTaskGroup(of: HTTPReply?.self) { tasks in
        tasks.addTask {
          try await shop.http.exchange("GET", "/v1/events") { reply in
            begun.append(true)
            return reply.body.components(separatedBy: #""state":"executed""#).count > count
          }
        }
        #expect(try await eventually { !begun.values.isEmpty })
        let ids = try await withThrowingTaskGroup(of: String.self) { orders in
          for _ in 0..<count { orders.addTask { try await shop.submit() } }
          return try await orders.reduce(into: [String]()) { $0.append($1) }
        }
        for id in ids {
          around.queue.tell(.executing, id)
          around.queue.tell(.executed, id)
        }
        let events = try SentEvent.all(try #require(try await tasks.next() ?? nil).body)
        let numbers = events.compactMap(\.id)
        #expect(numbers.count == events.count && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
        var last: [String: Int] = [:]
        for event in events {
          let id = try #require(event.order["orderId"].text)
          let place = try #require(Self.path.firstIndex(of: event.order["state"].text ?? ""))
          #expect(place >= last[id] ?? 0, "\(id) went back to \(Self.path[place])")
          last[id] = place
        }
        #expect(Set(last.keys) == Set(ids))
      }
    }
  }

  @Test func aClientThatComesBackIsToldWhatItMissed() async throws {
    try await withSurroundings { around in
      let (first, mark) = try await withShop(around) { shop in
        let first = try await shop.submit()
        _ = try await shop.order(first, in: "queued")
        let reply = try await shop.http.exchange("GET", "/v1/events?order=\(first)") {
          $0.body.contains("\"queued\"")
        }
        let mark = try #require(try SentEvent.all(reply.body).last?.id)
        return (first, mark)
      }
      // The numbers outlive a restart.
      try await withShop(around) { shop in
        let second = try await shop.submit()
        _ = try await shop.order(second, in: "queued")
        let header = ["Last-Event-ID": "\(mark)"]
        let all = try await shop.http.exchange("GET", "/v1/events", header) { $0.body.contains("\"queued\"") }
        let missed = try SentEvent.all(all.body)
        #expect(
          missed.map { $0.order["orderId"].text } == [second] && missed.allSatisfy { $0.id ?? 0 > mark })
        around.queue.tell(.executing, first)
        let one = try await shop.http.exchange("GET", "/v1/events?order=\(first)", header) {
          $0.body.contains("\"executing\"")
        }
        #expect(
          try SentEvent.all(one.body).map { $0.order["state"].text } == ["executing"],
          "nothing it knew already")
      }
    }
  }

  @Test func aMarkThatIsNoneIsRefused() async throws {
    try await withShop { shop, _ in
      for mark in ["x", "-1", "1.5", "99999999999999999999"] {
        let reply = try await shop.http.get("/v1/events", ["Last-Event-ID": mark])
        #expect(reply.status == 422, "\(mark)")
        #expect(try reply.json()["errors"][0]["field"].text == "Last-Event-ID")
      }
      let head = try await shop.http.exchange("HEAD", "/v1/events")
      #expect(head.status == 200 && head.headers["content-type"] == "text/event-stream" && head.body.isEmpty)
    }
  }

  @Test func aGapIsToldInsteadOfMadeUpFor() async throws {
    try await withShop { shop, _ in
      _ = try await shop.submit()
      let reply = try await shop.http.exchange("GET", "/v1/events", ["Last-Event-ID": "1000000"]) {
        $0.body.contains("event: gap")
      }
      let gap = try #require(try SentEvent.all(reply.body).first)
      #expect(gap.name == "gap" && gap.order["after"].number == 1_000_000)
    }
  }

  @Test func whereAStreamBegins() {
    func start(_ known: UInt64?, _ latest: UInt64, one: Bool = false) -> [UInt64?] {
      let start = EventStream.Start(known: known, latest: latest, isOfOneOrder: one)
      return [start.after, start.gapAfter]
    }
    #expect(start(nil, 7) == [7, nil] && start(nil, 7, one: true) == [0, nil])
    #expect(start(3, 7) == [3, nil] && start(7, 7) == [7, nil] && start(0, 7) == [0, nil])
    #expect(start(9, 7) == [7, 9] && start(9, 7, one: true) == [0, 9])
    let far = EventStream.maximumBacklog + 5
    #expect(start(4, far) == [5, 4] && start(5, far) == [5, nil] && start(4, far, one: true) == [4, nil])
  }
}
