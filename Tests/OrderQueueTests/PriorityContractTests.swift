import CoreTime
import DaemonKit
import Foundation
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import Testing

extension HeavyTests {
  /// The order of execution, through the real API.
  @Suite(.timeLimit(.minutes(5)))
  struct PriorityContractTests {
    /// 2,000 orders, or `PRIORITY_ORDERS`.
    @Test func ordersOfMixedPrioritiesComeInTheirOrder() async throws {
      let count = ProcessInfo.processInfo.environment["PRIORITY_ORDERS"].flatMap { Int($0) } ?? 2_000
      try await withQueue(["order-queue.leadership-lease": "60s"]) { queue in
        var random = SystemRandomNumberGenerator()
        let orders = (0..<count).map { _ in
          (id: newOrderID(), priority: UInt32.random(in: 0...9, using: &random))
        }
        try await queue.enqueueAll(orders)
        let expected = orders.enumerated().sorted {
          ($0.element.priority, $0.offset) < ($1.element.priority, $1.offset)
        }.map(\.element.id)
        let epoch = try await queue.claim(1).epoch
        let executed = try await queue.work(epoch, executor: 1, incarnation: 1, credits: 64) { session in
          var (executed, settled): ([String], Int) = ([], 0)
          for try await event in session.events {
            switch event.event {
            case .delivery(let delivery):
              executed.append(delivery.orderID)
              session.send(.with { $0.ack = ackRequest(delivery.orderID, epoch) }, credits(1))
            case .settled(let answer):
              #expect(answer.state == .done)
              settled += 1
              if settled == orders.count { return executed }
            default: break
            }
          }
          return executed
        }
        #expect(executed.count == orders.count)
        #expect(executed == expected)
        let stats = try await queue.stats()
        #expect(stats.done == count && stats.redelivered == 0)
        print("priority contract: \(executed.count) orders executed in the order of priority and arrival")
      }
    }

    /// With ageing an order of priority 9 stands at level 0 after nine times `max-wait`, in front of all that
    /// came after it. Without, it would wait for the end of the flood.
    @Test func ageingBoundsTheWaitUnderAFlood() async throws {
      let maxWait = Duration.milliseconds(50)
      let settings = [
        "order-queue.max-wait": "50ms", "order-queue.starvation-after": "300ms",
        "order-queue.leadership-lease": "60s",
      ]
      let waits = try await withQueue(settings) { queue in
        let epoch = try await queue.claim(1).epoch
        var since: [String: (priority: UInt32, start: ContinuousClock.Instant)] = [:]
        func flood(_ count: Int) async throws {
          let ids = (0..<count).map { _ in newOrderID() }
          for id in ids { since[id] = (0, .now) }
          try await queue.enqueueAll(ids.map { ($0, 0) })
        }
        var waits: [UInt32: [Duration]] = [0: [], 9: []]
        // As many come as are taken away, so urgent orders are always waiting.
        try await flood(200)
        let started = ContinuousClock.now
        var sent = 0
        while waits[9]?.count != 20, ContinuousClock.now - started < .seconds(60) {
          try await flood(8)
          if sent < 20 {
            let id = newOrderID()
            since[id] = (9, .now)
            try await queue.enqueue(id, priority: 9)
            sent += 1
          }
          for delivery in try await queue.lease(epoch, max: 8) {
            if let (priority, start) = since[delivery.orderID] { waits[priority]?.append(.now - start) }
            try await queue.ack(delivery.orderID, epoch)
          }
        }
        let stats = try await queue.stats()
        #expect(waits[9]?.count == 20, "some of priority 9 never came")
        #expect(stats.priorities[0].ready >= 150, "the flood must not have ended")
        guard case .integer(let promoted)? = await queue.report().details["promoted"],
          case .integer(let starved)? = await queue.report().details["starved"]
        else { throw TestFailure("the report does not tell of ageing") }
        #expect(promoted >= 20 * 9)
        #expect(starved >= 20)
        return waits
      }
      let (urgent, patient) = (waits[0]?.max() ?? .zero, waits[9]?.max() ?? .zero)
      print(
        "ageing: longest wait of priority 9 under a flood of priority 0: \(patient) (max-wait \(maxWait));",
        "of priority 0: \(urgent)")
      #expect((waits[9]?.min() ?? .zero) >= maxWait * 9)
      #expect(patient <= maxWait * 9 + urgent + .seconds(1))
    }
  }
}
