import NIOCore
import NIOPosix
import OrderDomain
import OrderProtos
import OrderWire
import Testing

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Orders by the batch.
@Suite(.timeLimit(.minutes(2))) struct BatchTests {
  private func post(
    _ shop: Shop, _ body: String, key: String? = nil, type: String = "application/x-ndjson"
  ) async throws -> (reply: HTTPReply, lines: [JSON], summary: JSON) {
    var headers = ["Content-Type": type]
    headers["Idempotency-Key"] = key
    let reply = try await shop.http.exchange("POST", "/v1/orders:batch", headers, body: body)
    let documents = try reply.body.split(separator: "\n").map {
      try JSONDecoder().decode(JSON.self, from: Data($0.utf8))
    }
    let lines = documents.filter { $0["line"] != .null }
      .sorted { ($0["line"].number ?? 0) < ($1["line"].number ?? 0) }
    return (reply, lines, documents.last?["summary"] ?? .null)
  }

  @Test func everyLineIsAnsweredAsAnOrderByItself() async throws {
    try await withShop { shop, around in
      let body = [orderLine(), "", "{", orderLine(email: "bob@example.org"), #"{"customer": 7}"#, "[]"]
        .joined(separator: "\r\n")
      let (reply, lines, summary) = try await post(shop, body)
      #expect(reply.status == 200 && reply.headers["content-type"] == "application/x-ndjson")
      #expect(lines.map { $0["line"].number } == [1, 3, 4, 5, 6])
      #expect(lines.map { $0["status"].number } == [201, 400, 201, 422, 422])
      #expect(lines[1]["problem"]["code"].text == "malformed_body")
      #expect(lines[3]["problem"]["errors"][0]["field"].text == "/customer")
      #expect(
        summary["lines"].number == 5 && summary["accepted"].number == 2 && summary["failed"].number == 3)
      #expect(summary["complete"].boolean == true)
      for line in [lines[0], lines[2]] {
        let id = try #require(line["orderId"].text)
        #expect(line["state"].text == "approved")
        #expect(try await shop.order(id, in: "queued")["state"].text == "queued")
      }
      #expect(around.verification.requests.count == 2)
    }
  }

  @Test func aRejectedLineSaysWhy() async throws {
    try await withShop { shop, around in
      around.verification.behaviour = .fail(
        event: "c", Finding(code: "card_expired", field: "/payment/card/expiry", message: "expired"))
      let (_, lines, summary) = try await post(shop, orderLine())
      let rejection = lines[0]["rejection"]
      #expect(lines[0]["status"].number == 201 && lines[0]["state"].text == "rejected")
      #expect(rejection["event"].text == "c" && rejection["code"].text == "card_expired")
      #expect(
        rejection["service"].text == "transaction-verification" && rejection["retryable"].boolean == false)
      #expect(summary["rejected"].number == 1 && summary["accepted"].number == 0)
    }
  }

  @Test func whatIsNotDecidedIsNotAccepted() async throws {
    try await withShop(["orchestrator.fraud-failure": "hold"]) { shop, around in
      around.fraud.behaviour = .unavailable
      let (_, lines, summary) = try await post(shop, orderLine())
      #expect(lines[0]["status"].number == 202 && lines[0]["state"].text == "interrupted")
      #expect(summary["held"].number == 1 && summary["accepted"].number == 0)
    }
  }

  @Test func keysOfLinesAndOfTheBatchMakeItRepeatable() async throws {
    try await withShop { shop, _ in
      let body = [orderLine(key: "mine"), orderLine()].joined(separator: "\n")
      let first = try await post(shop, body, key: "batch")
      let second = try await post(shop, body, key: "batch")
      #expect(second.lines.map { $0["orderId"] } == first.lines.map { $0["orderId"] })
      #expect(second.lines.allSatisfy { $0["replayed"].boolean == true })
      #expect(first.lines.allSatisfy { $0["replayed"] == .null } && second.summary["replayed"].number == 2)
      let other = try await post(shop, orderLine(email: "bob@example.org", key: "mine"))
      #expect(other.lines[0]["problem"]["code"].text == "idempotency_key_reused")
      #expect(other.lines[0]["problem"]["orderId"] == first.lines[0]["orderId"])
      let bad = try await post(shop, orderLine(key: "a b") + "\n" + #"{"idempotencyKey": 7}"#)
      #expect(bad.lines.allSatisfy { $0["problem"]["code"].text == "invalid_argument" })
      #expect(try await shop.http.get("/v1/orders").json()["orders"].list.count == 2)
    }
  }

  @Test func moreLinesThanPlacesWaitInsteadOfFailing() async throws {
    try await withShop(["orchestrator.max-in-flight": "4"]) { shop, _ in
      let (_, lines, summary) = try await post(
        shop, Array(repeating: orderLine(), count: 60).joined(separator: "\n") + "\n")
      #expect(lines.allSatisfy { $0["status"].number == 201 })
      #expect(lines.map { $0["line"].number } == (1...60).map(Double.init))
      #expect(summary["accepted"].number == 60)
    }
  }

  /// Many at once: each goes on, all are answered, and no more are in flight than one may have.
  @Test func manyBatchesShareTheSeats() async throws {
    try await withShop(["orchestrator.max-in-flight": "16"]) { shop, around in
      let body = Array(repeating: orderLine(), count: 40).joined(separator: "\n")
      let summaries = try await withThrowingTaskGroup(of: JSON.self) { group in
        for _ in 0..<8 { group.addTask { try await post(shop, body).summary } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(summaries.map { $0["accepted"].number } == Array(repeating: 40, count: 8))
      #expect(around.verification.requests.count == 320, "none was tried twice")
    }
  }

  /// Half of four places are for batches: the third one is told to come again, and orders by themselves are
  /// taken.
  @Test func aBatchThatHasNoRoomIsRefused() async throws {
    try await withShop(["orchestrator.max-in-flight": "4", "orchestrator.order-deadline": "20s"]) {
      shop, around in
      around.verification.behaviour = .hang
      let opened = (0..<2).map { _ in Task { try await post(shop, orderLine()) } }
      #expect(try await eventually { around.verification.requests.count == 2 })
      let refused = try await post(shop, orderLine())
      #expect(refused.reply.status == 503 && refused.reply.headers["retry-after"] == "2")
      #expect(refused.reply.body.contains("overloaded"))
      for task in opened { task.cancel() }
    }
  }

  /// Answers come while the request is still being sent.
  @Test func theAnswerBeginsBeforeTheRequestEnds() async throws {
    try await withShop { shop, _ in
      let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(host: shop.http.host, port: shop.http.port) { channel in
          channel.eventLoop.makeCompletedFuture {
            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
          }
        }
      try await channel.executeThenClose { inbound, outbound in
        var received = ""
        var pieces = inbound.makeAsyncIterator()
        func send(_ text: String) async throws {
          try await outbound.write(ByteBuffer(string: "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"))
        }
        try await outbound.write(
          ByteBuffer(
            string: "POST /v1/orders:batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
              + "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"))
        for number in 1...3 {
          try await send(orderLine() + "\n")
          while !received.contains(#""line":\#(number)"#), let piece = try await pieces.next() {
            received += String(buffer: piece)
          }
          #expect(received.contains(#""line":\#(number)"#))
        }
        try await outbound.write(ByteBuffer(string: "0\r\n\r\n"))
        while !received.contains("summary"), let piece = try await pieces.next() {
          received += String(buffer: piece)
        }
        #expect(received.contains(#""accepted":3"#))
      }
    }
  }

  @Test func whatIsNotABatchIsRefused() async throws {
    try await withShop { shop, _ in
      let plain = try await post(shop, orderLine(), type: "application/json")
      #expect(plain.reply.status == 415)
      let key = try await post(shop, orderLine(), key: String(repeating: "k", count: 121))
      #expect(key.reply.status == 422)
      let empty = try await post(shop, "")
      #expect(empty.reply.status == 200 && empty.summary["lines"].number == 0)
      let long = try await post(
        shop, orderLine() + String(repeating: " ", count: 65_536) + "\n" + orderLine())
      #expect(long.lines.map { $0["status"].number } == [413, 201])
    }
  }
}

/// Who may have an order checked next.
struct SeatPlanTests {
  private var plan: SeatPlan

  init() { plan = SeatPlan(capacity: 4) }

  @Test mutating func whatBecomesFreeGoesToTheBatchWithTheFewest() {
    plan = SeatPlan(capacity: 8)
    let (first, second) = (plan.open() ?? 0, plan.open() ?? 0)
    for _ in 0..<4 { equal(plan.ask(first), [first]) }
    equal(plan.ask(first), [], "half of the places are for batches")
    equal(plan.ask(second), [])
    equal(plan.rise(first), [second], "three and one")
    equal(plan.rise(first), [first])
    equal(plan.ask(first) + plan.ask(second), [])
    equal(plan.rise(first), [second], "two and two")
    equal(plan.rise(first), [first])
    #expect(plan.seats == 4)
  }

  @Test mutating func ordersByThemselvesAndBatchesBothFindPlaces() {
    for _ in 0..<4 { equal(plan.admit(), true) }
    equal(plan.admit(), false)
    let batch = plan.open() ?? 0
    equal(plan.ask(batch), [])
    equal(plan.leave(), [batch], "what is free goes to who waits")
    equal(plan.admit(), false)
    equal(plan.ask(batch), [])
    equal(plan.leave(), [batch])
    equal(plan.ask(batch), [])
    equal(plan.leave(), [], "but not beyond the share of batches")
    equal(plan.admit(), true)
    equal(plan.admit(), false)
    equal(plan.open() != nil, true)
    equal(plan.open(), nil, "as many batches as there are seats for")
  }

  @Test mutating func whatIsOverGivesBackWhatItHad() {
    let (first, second) = (plan.open() ?? 0, plan.open() ?? 0)
    equal(plan.ask(first) + plan.ask(first) + plan.ask(first), [first, first])
    equal(plan.ask(second), [])
    equal(plan.withdraw(second), true)
    equal(plan.withdraw(second), false)
    equal(plan.ask(second) + plan.ask(second), [], "it stands in line once")
    equal(plan.close(first), [second])
    #expect(plan.seats == 1 && plan.batches == 1)
    equal(plan.rise(first) + plan.ask(first) + plan.close(first), [], "it is over")
    equal(plan.rise(second) + plan.rise(second), [])
    #expect(plan.seats == 0)
  }

  private func equal<Value: Equatable>(
    _ value: Value, _ expected: Value, _ why: Comment? = nil, at place: SourceLocation = #_sourceLocation
  ) {
    #expect(value == expected, why, sourceLocation: place)
  }
}

/// Lines, cut from bytes.
struct LineReaderTests {
  private func lines(_ pieces: [String], _ limits: LineReader.Limits = .init()) throws -> [LineReader.Piece] {
    var reader = LineReader(limits: limits)
    var found = pieces.flatMap { reader.take($0.utf8, count: $0.utf8.count) }
    if let last = reader.finish() { found.append(last) }
    if let failure = reader.failure { throw failure }
    return found
  }

  private func line(_ text: String) -> LineReader.Piece { .line(Data(text.utf8)) }

  @Test func whereTheBytesAreCutDoesNotMatter() throws {
    let text = "ab\r\n\ncde\nf"
    let expected = [line("ab"), line(""), line("cde"), line("f")]
    #expect(try lines([text]) == expected)
    #expect(try lines(text.utf8.map { String(decoding: [$0], as: UTF8.self) }) == expected)
    #expect(try lines([]) == [] && lines(["\n"]) == [line("")])
  }

  @Test func aLongLineIsDroppedAndTheNextOneRead() throws {
    let limits = LineReader.Limits(line: 3)
    #expect(try lines(["abcd", "efg\nabc\nabcd"], limits) == [.tooLong, line("abc"), .tooLong])
  }

  @Test func tooManyLinesAndTooManyBytesEndIt() {
    #expect(throws: ServiceError.self) { try lines(["1\n2\n3\n"], .init(lines: 2)) }
    #expect(throws: ServiceError.self) { try lines(["12", "34"], .init(total: 3)) }
  }

  @Test(arguments: [LineReader.Limits(lines: 2), LineReader.Limits(total: 5)])
  func theLinesBeforeALimitAreRead(limits: LineReader.Limits) {
    var reader = LineReader(limits: limits)
    #expect(reader.take("1\n2\n3\n4\n".utf8, count: 8) == [line("1"), line("2")])
    #expect(reader.failure?.code == .bodyTooLarge)
    #expect(reader.take("5\n".utf8, count: 2) == [] && reader.finish() == nil)
  }
}
