import DaemonKit
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

@testable import Orchestrator

/// The outbox to the queue, and the outcomes back from it.
@Suite(.timeLimit(.minutes(2))) struct QueueTests {
  private func clock(_ entry: JSON) -> VectorClock {
    guard case .object(let components) = entry["clock"] else { return VectorClock() }
    return VectorClock(components.mapValues { UInt64($0.number ?? 0) })
  }

  private func submit(_ shop: Shop) async throws -> String {
    let order = try await shop.http.post(orderBody()).json()
    #expect(order["state"].text == "approved")
    return try #require(order["orderId"].text)
  }

  @Test func anApprovedOrderWaitsForAQueueThatIsDown() async throws {
    try await withShop(queueIsUp: false) { shop, around in
      let id = try await submit(shop)
      #expect(try await eventually { await shop.report().summary.contains("outbox waits") })
      #expect(try await shop.http.get("/v1/orders/\(id)").json()["state"].text == "approved")
      try await around.openQueue()
      #expect(try await shop.order(id, in: "queued")["state"].text == "queued")
      #expect(around.queue.taken.map(\.orderID) == [id])
      let request = try #require(around.queue.taken.first)
      #expect(request.basket.items.map(\.sku) == ["book-dune"])
      #expect(request.priority == 2)
      let body = String(decoding: request.body, as: UTF8.self)
      #expect(body.contains(id) && body.contains("book-dune") && !body.contains("4111111111111111"))
    }
  }

  /// At most one message in 20 ms, however long the orders take.
  @Test func ordersThatFollowEachOtherGather() async throws {
    try await withShop { shop, around in
      let clock = ContinuousClock()
      let began = clock.now
      var ids: [String] = []
      for _ in 0..<12 { ids.append(try await submit(shop)) }
      #expect(try await eventually { around.queue.taken.count == 12 })
      #expect(around.queue.taken.map(\.orderID) == ids)
      #expect(around.queue.messages <= 1 + Int((clock.now - began) / .milliseconds(20)))
    }
  }

  /// The orchestrator was away for longer than the queue keeps its outcomes.
  @Test func whatTheQueueHasForgottenIsAskedFor() async throws {
    try await withShop { shop, around in
      var ids: [String] = []
      for _ in 0..<4 { ids.append(try await submit(shop)) }
      for id in ids { _ = try await shop.order(id, in: "queued") }
      for (id, state) in zip(ids, [Ordersd_V1_JobState.done, .cancelled, .leased]) {
        around.queue.keep(
          .with {
            $0.orderID = id
            $0.state = state
            $0.clock.components = ["order-queue": 40, "executor-3": 3]
            $0.holder = state == .cancelled ? "" : "executor-3"
            $0.epoch = 7
            $0.attempts = 2
            $0.reason = state == .cancelled ? "ordered twice" : ""
          })
      }
      around.queue.forgetOutcomes(before: 90)
      around.queue.breakStreams()
      #expect(try await shop.order(ids[0], in: "executed")["execution"]["epoch"].number == 7)
      #expect(try await shop.order(ids[1], in: "cancelled")["reason"].text == "ordered twice")
      #expect(try await shop.order(ids[2], in: "executing")["execution"]["attempt"].number == 2)
      // The queue does not know what became of it, and nobody guesses.
      #expect(try await shop.order(ids[3], in: "queued")["state"].text == "queued")
      #expect(try await eventually { around.queue.cursors.last == 89 })
      // No outcomes come, and the watchdog is not to miss any.
      #expect(try await eventually { around.context.heartbeats.isIdle("outcome-follower") })
      let states = try await shop.states(of: ids[0])
      #expect(states.suffix(3) == ["queued", "executing", "executed"])
    }
  }

  /// What it takes no more of tells nothing of what it has.
  @Test func aFullQueueStillCancels() async throws {
    try await withShop(["orchestrator.circuit-failures": "1"]) { shop, around in
      let id = try await submit(shop)
      _ = try await shop.order(id, in: "queued")
      around.queue.fill()
      _ = try await submit(shop)
      #expect(try await eventually { await shop.report().summary.contains("outbox waits") })
      #expect(try await shop.cancel(id).status == 200)
    }
  }

  @Test func theLimitOfWaitingOrdersHoldsAfterARestart() async throws {
    try await withSurroundings(queueIsUp: false) { around in
      let limit = ["orchestrator.max-backlog": "2"]
      try await withShop(around, limit) { shop in for _ in 0..<2 { _ = try await submit(shop) } }
      try await withShop(around, limit) { (shop) async throws -> Void in
        #expect(try await eventually { await shop.report().summary.contains("outbox waits") })
        #expect(try await shop.http.post(orderBody()).status == 503)
      }
    }
  }

  @Test func noMoreApprovedOrdersWaitThanTheLimit() async throws {
    try await withShop(queueIsUp: false, ["orchestrator.max-backlog": "2"]) { shop, around in
      let waiting = [try await submit(shop), try await submit(shop)]
      let refused = try await shop.http.post(orderBody())
      #expect(refused.status == 503)
      #expect(refused.headers["retry-after"] == "5")
      #expect(try refused.json()["code"].text == "overloaded")
      #expect(try refused.json()["service"].text == "order-queue")
      try await around.openQueue()
      for id in waiting { _ = try await shop.order(id, in: "queued") }
      #expect(try await eventually { try await shop.http.post(orderBody()).status == 201 })
    }
  }

  @Test func anOrderThatTheQueueRefusesHoldsNoOtherUp() async throws {
    try await withShop(queueIsUp: false) { shop, around in
      let refused = try await submit(shop)
      around.queue.refuse(refused)
      let other = try await submit(shop)
      try await around.openQueue()
      #expect(try await shop.order(other, in: "queued")["state"].text == "queued")
      #expect(try await eventually { await shop.report().summary.contains(refused) }, "and it is told")
      #expect(try await shop.http.get("/v1/orders/\(refused)").json()["state"].text == "approved")
    }
  }

  @Test func outcomesAreAppliedInTheirOrder() async throws {
    try await withShop { shop, around in
      let id = try await submit(shop)
      _ = try await shop.order(id, in: "queued")
      around.queue.tell(.executing, id)
      around.queue.tell(.returned, id, reason: "the lease ran out")
      around.queue.tell(.executing, id, by: "executor-2")
      let last = around.queue.tell(.executed, id, by: "executor-2")
      let order = try await shop.order(id, in: "executed")
      #expect(order["state"].text == "executed")
      #expect(order["execution"]["executor"].text == "executor-2" && order["execution"]["epoch"].number == 7)
      let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      let states = entries.filter { $0["event"] == .null }.compactMap { $0["state"].text }
      #expect(states.suffix(5) == ["queued", "executing", "queued", "executing", "executed"])
      #expect(entries.last?["actor"].text == "executor-2")
      guard case .object(let components) = order["clock"] else { throw TestFailure("no clock") }
      #expect(last.isCovered(by: VectorClock(components.mapValues { UInt64($0.number ?? 0) })))
    }
  }

  /// The queue pushes an order to an executor before the outbox has its answer.
  @Test func anOutcomeMayOvertakeTheAnswerToTheEnqueue() async throws {
    try await withShop { shop, around in
      around.queue.hold()
      let id = try await submit(shop)
      #expect(try await eventually { around.queue.taken.map(\.orderID) == [id] })
      around.queue.tell(.executing, id)
      #expect(try await shop.order(id, in: "executing")["state"].text == "executing")
      around.queue.release()
      around.queue.tell(.executed, id)
      #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
      let entries = try await shop.http.get("/v1/orders/\(id)/events").json()["entries"].list
      #expect(entries.filter { $0["state"].text == "queued" }.count == 1)
      // Each step comes after the one before, by its clock too.
      let steps = try ["approved", "queued", "executing", "executed"].map { state in
        clock(try #require(entries.last { $0["state"].text == state }))
      }
      #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.happenedBefore($1) }, "\(steps)")
    }
  }

  @Test func theHandOverComesBeforeWhatOvertookItsAnswer() throws {
    let approved = VectorClock(["orchestrator": 9, "fraud-detection": 4])
    let leased = approved.ticked("orchestrator").ticked("order-queue").ticked("order-queue")
    var order = try sampleOrder()
    order.clock = approved
    func handOver(before clock: VectorClock) -> VectorClock {
      NewsBatch.handOver(of: order, before: clock, process: "orchestrator")
    }
    #expect(handOver(before: leased) == approved.ticked("orchestrator").ticked("order-queue"))
    order.clock.tick("orchestrator")  // A cancel was asked for meanwhile.
    #expect(handOver(before: leased).happenedBefore(leased))
    #expect(handOver(before: VectorClock(["order-queue": 1])) == VectorClock(["order-queue": 1]))
  }

  @Test func aLateAcknowledgementIsAnExecution() async throws {
    try await withShop { shop, around in
      let id = try await submit(shop)
      _ = try await shop.order(id, in: "queued")
      around.queue.tell(.executing, id)
      around.queue.tell(.returned, id)
      around.queue.tell(.executed, id)
      #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
    }
  }

  @Test func anImpossibleOutcomeIsToldAndChangesNothing() async throws {
    try await withShop { shop, around in
      let id = try await submit(shop)
      _ = try await shop.order(id, in: "queued")
      around.queue.tell(.executing, id)
      around.queue.tell(.executed, id)
      around.queue.tell(.failed, id)
      around.queue.tell(.executed, "0192f3a1-0000-7000-8000-000000000000")
      #expect(
        try await eventually {
          around.log.lines.contains { $0.contains("tells of an order that is not known") }
        })
      #expect(around.log.lines.contains { $0.contains("impossible outcome") && $0.contains(id) })
      // Told of while it is being written.
      #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
    }
  }

  @Test func aBrokenStreamGoesOnFromTheCursor() async throws {
    try await withShop { shop, around in
      let id = try await submit(shop)
      _ = try await shop.order(id, in: "queued")
      #expect(try await eventually { await shop.report().details["outcomesConnected"] == .boolean(true) })
      around.queue.tell(.executing, id)
      _ = try await shop.order(id, in: "executing")
      around.queue.breakStreams()
      #expect(try await eventually { around.queue.cursors.count >= 2 })
      #expect(around.queue.cursors.first == 0 && around.queue.cursors.last == 1)
      around.queue.tell(.executed, id)
      #expect(try await shop.order(id, in: "executed")["state"].text == "executed")
    }
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
