import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

/// Who may act.
@Suite(.timeLimit(.minutes(1)))
struct LeadershipTests {
  @Test func aHigherIdTakesTheLaneAndALowerOneIsToldWhoHasIt() async throws {
    try await withQueue { queue in
      let second = try await queue.claim(2)
      #expect(second.granted && second.epoch == 1 && second.leaseMs == 20_000)
      let first = try await queue.claim(1)
      #expect(!first.granted && first.epoch == 1 && first.holder == "executor-2")
      let third = try await queue.claim(3)
      #expect(third.granted && third.epoch == 2)
      let again = try await queue.claim(3)
      #expect(again.granted && again.epoch == 2)
      let restarted = try await queue.claim(3, incarnation: 2)
      #expect(restarted.granted && restarted.epoch == 3)
      let other = try await queue.claim(1, lane: "branch-2")
      #expect(other.granted && other.epoch == 1)
    }
  }

  @Test func aLeadershipThatIsNotRenewedIsFree() async throws {
    try await withQueue(["order-queue.leadership-lease": "1s"]) { queue in
      let epoch = try await queue.claim(3).epoch
      #expect(try await queue.claim(1).granted == false)
      try await eventually("the lane is free") { try await queue.claim(1).granted }
      let error = try await queue.refusal { client, options in
        try await client.renew(.with { $0.fence = fence(epoch) }, options: options)
      }
      #expect(error.code == .fenced)
    }
  }

  @Test func everyCallUnderAStaleEpochIsRefusedWithBothEpochs() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let old = try await queue.claim(2).epoch
      #expect(try await queue.lease(old).count == 1)
      let new = try await queue.claim(3).epoch
      let errors = [
        try await queue.refusal { client, options in
          try await client.lease(.with { $0.fence = fence(old) }, options: options)
        },
        try await queue.refusal { client, options in
          try await client.touch(
            .with {
              $0.fence = fence(old)
              $0.orderID = id
            }, options: options)
        },
        try await queue.refusal { client, options in
          try await client.ack(ackRequest(id, old), options: options)
        },
        try await queue.refusal { client, options in
          try await client.nack(
            .with {
              $0.fence = fence(old)
              $0.orderID = id
            }, options: options)
        },
        try await queue.refusal { client, options in
          try await client.renew(.with { $0.fence = fence(old) }, options: options)
        },
        try await queue.refusal { client, options in
          try await client.resign(.with { $0.fence = fence(old) }, options: options)
        },
      ]
      for error in errors {
        #expect(error.code == .fenced)
        #expect(error.details == ["your_epoch": "\(old)", "current_epoch": "\(new)", "holder": "executor-3"])
        #expect(error.message.contains("epoch \(old)") && error.message.contains("epoch \(new)"))
      }
      #expect(try await queue.stats().fenced == UInt64(errors.count))
      // What the old epoch had leased is the new one's.
      let delivery = try #require(try await queue.lease(new).first)
      #expect(delivery.orderID == id && delivery.attempt == 2)
    }
  }

  @Test func aLeaderThatResignsLeavesItsOrdersReady() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(3).epoch
      _ = try await queue.lease(epoch)
      _ = try await queue.call { client, options in
        try await client.resign(.with { $0.fence = fence(epoch) }, options: options)
      }
      #expect(try await queue.peek(id).job.state == .ready)
      #expect(try await queue.claim(1).epoch == epoch + 1)
    }
  }
}
