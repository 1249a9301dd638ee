import OrderProtos
import OrderWire
import Testing

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Cancelling over REST, in every state, and in its races with the outbox.
@Suite(.timeLimit(.minutes(2))) struct CancelTests {
  @Test func anOrderUnderCheckIsCancelledAtOnce() async throws {
    try await withShop(["orchestrator.order-deadline": "20s"]) { shop, around in
      around.verification.behaviour = .hang
      async let answer = shop.http.post(orderBody())
      #expect(try await eventually { around.verification.requests.count == 1 })
      let id = try #require(try await shop.http.get("/v1/orders").json()["orders"][0]["orderId"].text)
      let reply = try await shop.cancel(id)
      let order = try reply.json()
      #expect(reply.status == 200 && order["state"].text == "cancelled")
      #expect(
        order["reason"].text == "ordered twice" && order["cancellation"]["reason"].text == "ordered twice")
      #expect(try await answer.json()["state"].text == "cancelled", "whoever ordered is told, too")
      #expect(try await shop.states(of: id) == ["received", "verifying", "cancelled"])
      #expect(around.queue.taken.isEmpty)
    }
  }

  @Test func aQueuedOrderIsCancelledByTheQueue() async throws {
    try await withShop { shop, around in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      let reply = try await shop.cancel(id)
      #expect(reply.status == 200, "\(reply.body)")
      #expect(try reply.json()["state"].text == "cancelled")
      #expect(try reply.json()["reason"].text == "ordered twice")
      let again = try await shop.cancel(id, #"{"reason": "another"}"#)
      #expect(again.status == 200)
      #expect(try again.json()["reason"].text == "ordered twice", "repeating it changes nothing")
      #expect(around.queue.cancelled == [id])
      #expect(try await shop.states(of: id) == ["received", "verifying", "approved", "queued", "cancelled"])
    }
  }

  @Test func aLeasedOrderNamesItsStateAndItsHolder() async throws {
    try await withShop { shop, around in
      let id = try await shop.submit()
      _ = try await shop.order(id, in: "queued")
      around.queue.lease(id, by: "executor-3")
      let reply = try await shop.cancel(id)
      let problem = try reply.json()
      #expect(reply.status == 409 && problem["code"].text == "conflict")
      #expect(problem["state"].text == "executing" && problem["holder"].text == "executor-3")
      #expect(problem["orderId"].text == id && problem["retryable"].boolean == false)
      #expect(problem["detail"].text?.contains("too late") == true)
      around.queue.tell(.executing, id)
      around.queue.tell(.executed, id)
      _ = try await shop.order(id, in: "executed")
      let late = try await shop.cancel(id)
      #expect(late.status == 409)
      #expect(try late.json()["state"].text == "executed" && late.json()["holder"].text == "executor-3")
    }
  }

  /// The queue is away: the cancel is durable, and holds over a restart; the queue never gets it to carry out.
  @Test func anApprovedOrderIsWithdrawnWhenTheQueueIsBack() async throws {
    try await withSurroundings(queueIsUp: false) { around in
      let id = try await withShop(around) { shop in
        let id = try await shop.submit()
        let reply = try await shop.cancel(id)
        #expect(reply.status == 202, "\(reply.body)")
        #expect(try reply.json()["state"].text == "approved")
        #expect(try reply.json()["cancellation"]["reason"].text == "ordered twice")
        return id
      }
      try await around.openQueue()
      try await withShop(around) { shop in
        #expect(try await shop.order(id, in: "cancelled")["state"].text == "cancelled")
        #expect(around.queue.cancelled == [id])
        let taken = try #require(around.queue.taken.first)
        #expect(taken.notBeforeMs > taken.expiresAtMs && taken.expiresAtMs > 0, "not to be carried out")
        #expect(try await shop.cancel(id).status == 200)
        let states = try await shop.states(of: id)
        #expect(states.starts(with: ["received", "verifying", "approved"]) && states.last == "cancelled")
      }
    }
  }

  /// The outbox's own hand-over has arrived, but has not been answered, when the cancel comes.
  @Test func aCancelThatMeetsTheHandOverIsJudgedByTheQueue() async throws {
    try await withShop { shop, around in
      around.queue.hold()
      let id = try await shop.submit()
      #expect(try await eventually { around.queue.taken.map(\.orderID) == [id] })
      async let reply = shop.cancel(id)
      #expect(
        try await eventually { try await shop.http.get("/v1/orders/\(id)").json()["cancellation"] != .null })
      around.queue.release()
      #expect(try await reply.status == 200)
      #expect(try await shop.order(id, in: "cancelled")["state"].text == "cancelled")
      #expect(around.queue.taken.count == 1)
    }
  }

  @Test func aCancelThatLosesAgainstTheLeaseSaysSo() async throws {
    try await withShop { shop, around in
      around.queue.hold()
      let id = try await shop.submit()
      #expect(try await eventually { around.queue.taken.map(\.orderID) == [id] })
      around.queue.lease(id, by: "executor-2")
      async let reply = shop.cancel(id)
      #expect(
        try await eventually { try await shop.http.get("/v1/orders/\(id)").json()["cancellation"] != .null })
      around.queue.release()
      let problem = try await reply.json()
      #expect(problem["status"].number == 409 && problem["holder"].text == "executor-2")
      around.queue.tell(.executing, id, by: "executor-2")
      around.queue.tell(.executed, id, by: "executor-2")
      #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
    }
  }

  @Test func aQueueThatIsAwayLeavesAQueuedOrderAsItIs() async throws {
    try await withSurroundings { around in
      try await withShop(around) { shop in
        let id = try await shop.submit()
        _ = try await shop.order(id, in: "queued")
        around.queue.refuseCancels()
        let reply = try await shop.cancel(id)
        let problem = try reply.json()
        #expect(reply.status == 503 && problem["service"].text == "order-queue", "\(reply.body)")
        #expect(problem["retryable"].boolean == true && problem["orderId"].text == id)
        #expect(reply.headers["retry-after"] != nil)
        #expect(try await shop.http.get("/v1/orders/\(id)").json()["state"].text == "queued")
      }
    }
  }

  @Test func aRejectedOrAnUnknownOrderCannotBeCancelled() async throws {
    try await withShop { shop, around in
      around.verification.behaviour = .unavailable
      let id = try await shop.submit()
      let reply = try await shop.cancel(id, nil)
      #expect(reply.status == 409)
      #expect(try reply.json()["state"].text == "rejected")
      let unknown = try await shop.cancel("0192f3a1-0000-7000-8000-000000000000")
      #expect(unknown.status == 404)
      #expect(try unknown.json()["code"].text == "not_found")
    }
  }

  @Test func parallelCancelsAreOne() async throws {
    try await withShop { shop, around in
      let id = try await shop.submit()
      let replies = try await withThrowingTaskGroup(of: HTTPReply.self) { tasks in
        for number in 0..<20 { tasks.addTask { try await shop.cancel(id, #"{"reason": "\#(number)"}"#) } }
        return try await tasks.reduce(into: []) { $0.append($1) }
      }
      #expect(replies.allSatisfy { $0.status == 200 }, "\(replies.map(\.status))")
      #expect(Set(try replies.map { try $0.json()["reason"] }).count == 1)
      #expect(try await shop.states(of: id).filter { $0 == "cancelled" }.count == 1)
    }
  }

  @Test(arguments: [
    ("{", 400), ("7", 422), (#"{"reason": 7}"#, 422), (#"{"reason": ""}"#, 422),
  ]) func aReasonThatCannotBeKeptIsRefused(body: String, status: Int) throws {
    let error = #expect(throws: ServiceError.self) { try CancelDocument.reason(Data(body.utf8)) }
    #expect(error?.code.disposition.http == status)
  }

  @Test func aReasonIsKeptAsItCanBeShown() throws {
    #expect(try CancelDocument.reason(Data()) == CancelDocument.noReason)
    #expect(try CancelDocument.reason(Data("{}".utf8)) == CancelDocument.noReason)
    #expect(try CancelDocument.reason(Data(#"{"reason": "a\u001b[1m\nb"}"#.utf8)) == "a [1m b")
    let phone = try CancelDocument.reason(Data(#"{"reason": "called +372 5555 5555, order 17"}"#.utf8))
    #expect(phone.hasSuffix("order 17"))
    let separators = ["", "-", ".", "\u{A0}", "/", "_", ", ", "\u{2011}"]
    for number in ["4111-1111 1111 1111", "４１１１１１１１１１１１１１１１"]
      + separators.map({ "4111" + $0 + "1111" + $0 + "1111" + $0 + "1111" })
    {
      let body = #"{"reason": "card \#(number)! was declined"}"#
      #expect(try CancelDocument.reason(Data(body.utf8)) == "card …1111! was declined")
    }
    let long = String(repeating: "é", count: 200)
    #expect(try CancelDocument.reason(Data(#"{"reason": "\#(long)"}"#.utf8)) == long)
    #expect(throws: ServiceError.self) { try CancelDocument.reason(Data(#"{"reason": "\#(long)x"}"#.utf8)) }
  }
}
