import OrderProtos
import Testing

@testable import Orchestrator

/// The list, the live stream, the catalog, the status and the page.
@Suite(.timeLimit(.minutes(2))) struct LiveTests {
  @Test func pagesOfTheListStayStableWhileOrdersArrive() async throws {
    try await withShop { shop, _ in
      var made: [String] = []
      for _ in 0..<5 {
        made.append(try #require(try await shop.http.post(orderBody()).json()["orderId"].text))
      }
      let first = try await shop.http.get("/v1/orders?limit=2").json()
      _ = try await shop.http.post(orderBody())
      let second = try await shop.http.get("/v1/orders?limit=2&cursor=\(first["next"].text ?? "")").json()
      let third = try await shop.http.get("/v1/orders?limit=2&cursor=\(second["next"].text ?? "")").json()
      let seen = [first, second, third].flatMap { $0["orders"].list.compactMap { $0["orderId"].text } }
      #expect(seen == made.sorted(by: >))
      #expect(third["next"] == .null)
      #expect(try await shop.http.get("/v1/orders?state=rejected").json()["orders"].list.isEmpty)
    }
  }

  @Test func theStreamBeginsWithTheOrderAndFollowsItsChanges() async throws {
    try await withShop { shop, around in
      let id = try #require(try await shop.http.post(orderBody()).json()["orderId"].text)
      _ = try await shop.order(id, in: "queued")
      let begun = Gathered<Bool>()
      try await withThrowingTaskGroup(of: HTTPReply?.self) { tasks in
        tasks.addTask {
          try await shop.http.exchange("GET", "/v1/events?order=\(id)") { reply in
            if reply.body.contains("event: order\n") { begun.append(true) }
            return reply.body.contains(#""state":"executed""#)
          }
        }
        #expect(try await eventually { !begun.values.isEmpty })
        around.queue.tell(.executing, id)
        around.queue.tell(.executed, id)
        let stream = try #require(try await tasks.next() ?? nil)
        #expect(stream.status == 200 && stream.headers["content-type"] == "text/event-stream")
        let events = stream.body.split(separator: "\n\n").filter { !$0.hasPrefix(":") }
        #expect(events.allSatisfy { $0.hasPrefix("event: order\ndata: {") && $0.contains(id) })
        #expect(events.first?.contains(#""state":"queued""#) == true)
        #expect(events.count >= 2)
      }
    }
  }

  @Test func openStreamsDoNotHoldTheStopUp() async throws {
    try await withSurroundings { around in
      let (endpoints, offer) = AsyncStream.makeStream(
        of: HTTPEndpoint.self, bufferingPolicy: .bufferingNewest(1))
      let (streams, begun) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
      try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
          let http = try #require(await endpoints.first { _ in true })
          _ = try await http.exchange("GET", "/v1/events") { reply in
            begun.yield()
            return reply.status != 200
          }
        }
        let start = try await withShop(around) { shop in
          offer.yield(shop.http)
          _ = await streams.first { _ in true }
          return ContinuousClock.now
        }
        #expect(ContinuousClock.now - start < .seconds(4), "the time that a daemon has for its stop")
        try await tasks.waitForAll()
      }
    }
  }

  @Test func theCatalogIsSentOnceToWhoeverRemembersIt() async throws {
    try await withShop { shop, _ in
      let first = try await shop.http.get("/v1/catalog")
      let tag = try #require(first.headers["etag"])
      #expect(first.status == 200 && first.headers["content-type"] == "application/json")
      #expect(try first.json()["items"].list.contains { $0["sku"].text == "book-dune" })
      for field in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
        let again = try await shop.http.get("/v1/catalog", ["If-None-Match": field])
        #expect(
          again.status == 304 && again.body.isEmpty && again.headers["etag"] == tag
            && again.headers["cache-control"] == "no-cache", "\(field)")
      }
      #expect(try await shop.http.get("/v1/catalog", ["If-None-Match": "\"other\""]).status == 200)
    }
  }

  @Test func thePageIsServedWithItsContentPolicy() async throws {
    try await withShop { shop, _ in
      for (path, asset) in PageRoutes.assets {
        let reply = try await shop.http.get(path)
        #expect(reply.status == 200 && reply.headers["content-type"] == asset.type)
        #expect(reply.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        #expect(reply.headers["x-content-type-options"] == "nosniff")
        #expect(reply.body == asset.text)
      }
    }
  }

  @Test func theStatusNamesWhoCannotBeReached() async throws {
    try await withShop(down: ["fraud-detection"]) { shop, _ in
      _ = try await shop.http.post(orderBody())
      let status = try await shop.http.get("/v1/status").json()
      #expect(status["service"].text == "orchestrator" && status["ready"].boolean == true)
      let fraud = try #require(status["peers"].list.first { $0["service"].text == "fraud-detection" })
      #expect(fraud["isServing"].boolean == false && fraud["health"].text?.hasPrefix("unreachable") == true)
      #expect(status["peers"].list.count == 4)
      #expect(status["orders"]["rejected"].number == 1)
    }
  }
}
