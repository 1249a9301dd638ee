import CoreTime
import DaemonKit
import Foundation
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

/// What producers and operators see.
@Suite(.timeLimit(.minutes(1)))
struct OrderTests {
  @Test func anOrderIsTakenInLeasedAndAcknowledged() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      let body = Data(#"{"items":[{"sku":"book-dune"}]}"#.utf8)
      let reply = try await queue.enqueue(id, body: body)
      #expect(reply.state == .ready)
      #expect(!reply.duplicate)
      #expect(reply.clock.components == ["orchestrator": 3, "order-queue": 1])

      let epoch = try await queue.claim(1).epoch
      let delivery = try #require(try await queue.lease(epoch).first)
      #expect(delivery.orderID == id)
      #expect(delivery.body == body)
      #expect(delivery.attempt == 1)
      #expect(delivery.epoch == epoch)
      #expect(delivery.clock.components == ["orchestrator": 3, "order-queue": 2])

      let ack = try await queue.ack(id, epoch)
      #expect(ack.clock.components == ["orchestrator": 3, "order-queue": 3, "executor-1": 2])
      #expect(!ack.duplicate)
      let again = try await queue.ack(id, epoch)
      #expect(again.duplicate)
      #expect(again.clock == ack.clock)

      let peeked = try await queue.peek(id)
      #expect(peeked.job.state == .done)
      #expect(peeked.job.holder == "executor-1")
      #expect(peeked.body.isEmpty)
      let stats = try await queue.stats()
      #expect(stats.enqueued == 1 && stats.done == 1 && stats.ready == 0)
      #expect(await queue.report().summary == "queue 0 ready, 0 leased, leader executor-1 epoch 1")
    }
  }

  @Test func enqueueingTwiceChangesNothing() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      let first = try await queue.enqueue(id, priority: 3)
      let second = try await queue.enqueue(id, priority: 0, body: Data("other".utf8))
      #expect(second.duplicate)
      #expect(second.clock == first.clock)
      let peeked = try await queue.peek(id)
      #expect(peeked.job.priority == 3)
      #expect(peeked.body == Data("{}".utf8))
      #expect(try await queue.stats().enqueued == 1)
    }
  }

  @Test func urgentOrdersComeFirstAndEqualOnesInTheirOrder() async throws {
    try await withQueue { queue in
      let ids = (0..<6).map { _ in newOrderID() }
      for (id, priority) in zip(ids, [5, 9, 0, 5, 0, 9] as [UInt32]) {
        try await queue.enqueue(id, priority: priority)
      }
      let epoch = try await queue.claim(1).epoch
      let leased = try await queue.lease(epoch).map(\.orderID)
      #expect(leased == [ids[2], ids[4], ids[0], ids[3], ids[1], ids[5]])
    }
  }

  @Test func anOrderThatFailsTooOftenIsADeadLetterUntilItIsKicked() async throws {
    try await withQueue(["order-queue.delivery-limit": "2"]) { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(1).epoch
      for expected in [Ordersd_V1_JobState.ready, .buried] {
        #expect(try await queue.lease(epoch).map(\.orderID) == [id])
        #expect(try await queue.nack(id, epoch).state == expected)
      }
      let dead = try await queue.peek(id).job
      #expect(dead.state == .buried && dead.reason == "no paper" && dead.attempts == 2)
      let kicked = try await queue.call { client, options in
        try await client.kick(.with { $0.orderID = id }, options: options)
      }
      #expect(kicked.orderIds == [id])
      #expect(try await queue.lease(epoch).first?.attempt == 1)
      #expect(try await queue.nack(id, epoch) { $0.permanent = true }.state == .buried)
    }
  }

  @Test func aHandedBackOrderUsesUpNoAttempt() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.lease(epoch)
      #expect(try await queue.nack(id, epoch) { $0.returned = true }.state == .ready)
      #expect(try await queue.lease(epoch).first?.attempt == 1)
    }
  }

  @Test func aDelayedOrderComesWhenItsTimeComes() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      let epoch = try await queue.claim(1).epoch
      let due = Clocks.system.wall() + .milliseconds(1_500)
      let reply = try await queue.enqueue(id) { $0.notBeforeMs = due.milliseconds }
      #expect(reply.state == .delayed)
      try await eventually("the order is due") { try await queue.lease(epoch).map(\.orderID) == [id] }
      #expect(Clocks.system.wall() >= due)
    }
  }

  @Test func aLeaseThatRunsOutGoesBack() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(1).epoch
      #expect(try await queue.lease(epoch, ms: 150).count == 1)
      try await eventually("the order is leased again") { try await queue.lease(epoch).first?.attempt == 2 }
      let kinds = try await queue.outcomes(after: 0, count: 3).map(\.kind)
      #expect(kinds == [.executing, .returned, .executing])
    }
  }

  @Test func aWaitingOrderCanBeCancelledAndALeasedOneCannot() async throws {
    try await withQueue { queue in
      let (waiting, leased) = (newOrderID(), newOrderID())
      try await queue.enqueue(leased)
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.lease(epoch)
      try await queue.enqueue(waiting)
      let request = { (id: String) in
        Ordersd_V1_CancelRequest.with {
          $0.orderID = id
          $0.clock.components = ["orchestrator": 9]
          $0.reason = "changed my mind"
        }
      }
      for _ in 0..<2 {
        let reply = try await queue.call { client, options in
          try await client.cancel(request(waiting), options: options)
        }
        #expect(reply.cancelled && reply.state == .cancelled)
        #expect(reply.clock.components == ["orchestrator": 9, "order-queue": 2])
      }
      let late = try await queue.call { client, options in
        try await client.cancel(request(leased), options: options)
      }
      #expect(!late.cancelled && late.state == .leased && late.holder == "executor-1")
      let unknown = try await queue.refusal { client, options in
        try await client.cancel(request(newOrderID()), options: options)
      }
      #expect(unknown.code == .notFound)
    }
  }

  @Test func aPausedQueueLeasesNothingAndADrainingOneTakesNothing() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.call { client, options in try await client.pause(.init(), options: options) }
      #expect(try await queue.lease(epoch).isEmpty)
      _ = try await queue.call { client, options in try await client.resume(.init(), options: options) }
      let drain = try await queue.call { client, options in
        try await client.drain(.with { $0.on = true }, options: options)
      }
      #expect(drain.remaining == 1)
      await #expect(throws: ServiceError.self) { try await queue.enqueue(newOrderID()) }
      #expect(try await queue.lease(epoch).map(\.orderID) == [id])
    }
  }

  @Test func aFullQueueRefusesWithAHint() async throws {
    try await withQueue(["order-queue.capacity": "2"]) { queue in
      let first = newOrderID()
      try await queue.enqueue(first)
      try await queue.enqueue(newOrderID())
      let request = Ordersd_V1_EnqueueRequest.with { $0.orderID = newOrderID() }
      let error = try await queue.refusal { client, options in
        try await client.enqueue(request, options: options)
      }
      #expect(error.code == .overloaded)
      #expect(error.message.contains("2 orders"))
      #expect(error.retryAfter == .seconds(1))
      // What is in it is still known.
      #expect(try await queue.enqueue(first).duplicate)
    }
  }

  @Test func limitsSayWhatWouldBeRight() async throws {
    try await withQueue { queue in
      func enqueue(
        _ word: String, code: ErrorCode = .invalidArgument, _ more: (inout Ordersd_V1_EnqueueRequest) -> Void
      ) async throws {
        var request = Ordersd_V1_EnqueueRequest.with { $0.orderID = newOrderID() }
        more(&request)
        let final = request
        let error = try await queue.refusal { client, options in
          try await client.enqueue(final, options: options)
        }
        #expect(error.code == code)
        #expect(error.message.contains(word), "\(error.message)")
      }
      try await enqueue("UUIDv7") { $0.orderID = "17" }
      try await enqueue("0 (most urgent) to 9") { $0.priority = 10 }
      try await enqueue("65536 bytes", code: .bodyTooLarge) { $0.body = Data(count: 65_537) }
      try await enqueue("a-z, 0-9") { $0.lane = "Main!" }
      try await enqueue("32 bytes") { $0.lane = String(repeating: "a", count: 33) }
      try await enqueue("Unix time") { $0.notBeforeMs = -1 }
      let list = try await queue.refusal { client, options in
        try await client.list(.with { $0.limit = 1_001 }, options: options)
      }
      #expect(list.message.contains("1 to 1000"))
      let claim = try await queue.refusal { client, options in
        try await client.claim(.init(), options: options)
      }
      #expect(claim.message.contains("1 to 65535"))
      let lease = try await queue.refusal { client, options in
        try await client.lease(.with { $0.max = 1 }, options: options)
      }
      #expect(lease.message.contains("epoch"))
    }
  }

  @Test func listGoesPageByPage() async throws {
    try await withQueue { queue in
      let ids = (0..<5).map { _ in newOrderID() }
      for id in ids { try await queue.enqueue(id) }
      var found: [String] = []
      var after = ""
      repeat {
        let cursor = after
        let page = try await queue.call { client, options in
          try await client.list(
            .with {
              $0.state = .ready
              $0.limit = 2
              $0.after = cursor
            }, options: options)
        }
        found += page.jobs.map(\.orderID)
        after = page.next
      } while !after.isEmpty
      #expect(found == ids)
    }
  }
}
