import CoreTime
import DaemonKit
import Foundation
import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

/// What is finished is forgotten in time, and nothing else is.
@Suite(.timeLimit(.minutes(2)))
struct RetentionTests {
  private func detail(_ name: String, _ queue: RunningQueue) async -> StatusValue? {
    await queue.report().details[name]
  }

  @Test func finishedOrdersAreForgottenAfterTheirTimeWhateverStillWaits() async throws {
    let (folder, clock) = (TemporaryFolder(), SettableClock())
    let settings = ["order-queue.retention": "1m"]
    let (old, done, cancelled) = (newOrderID(), newOrderID(), newOrderID())
    try await withQueue(folder: folder.path, settings, clocks: clock.clocks) { queue in
      try await queue.enqueue(old, priority: 9)
      try await queue.enqueue(done, priority: 0)
      let epoch = try await queue.claim(1).epoch
      #expect(try await queue.lease(epoch, max: 1).map(\.orderID) == [done])
      try await queue.ack(done, epoch)
      try await queue.enqueue(cancelled)
      #expect(try await queue.cancel(cancelled).cancelled)
      #expect(try await queue.outcomes(after: 1, count: 2).map(\.sequence) == [2, 3])

      try await eventually("both are forgotten") {
        clock.advance(by: .seconds(20))
        return try await queue.list().keys.sorted() == [old]
      }
      let stats = try await queue.stats()
      #expect(stats.enqueued == 3 && stats.done == 1 && stats.cancelled == 1 && stats.ready == 1)
      #expect(await detail("finishedKept", queue) == 0)
      // The machine still remembers what the disk has forgotten.
      #expect(try await queue.enqueue(done).duplicate)
      // A cursor behind what is kept is told so, and where to go on; 0 means from what is kept.
      let refusal = try await queue.refusal { client, options in
        try await client.outcomes(.with { $0.after = 1 }, options: options) { response in
          for try await _ in response.messages {}
        }
      }
      #expect(refusal.code == .conflict)
      #expect(refusal.message.contains("the outcomes 2 to 3 are no longer kept"))
      _ = try await queue.lease(try await queue.claim(1).epoch)
      #expect(try await queue.outcomes(after: 0, count: 1).map(\.sequence) == [4])
      #expect(try await queue.outcomes(after: 3, count: 1).map(\.sequence) == [4])
    }
    try await withQueue(folder: folder.path, settings, clocks: clock.clocks) { queue in
      let stats = try await queue.stats()
      #expect(stats.enqueued == 3 && stats.done == 1 && stats.cancelled == 1 && stats.leased == 1)
      // Beyond the retention a repeat is a new order, and stands behind those that are older.
      #expect(try await !queue.enqueue(done).duplicate)
      let epoch = try await queue.claim(2).epoch
      #expect(try await queue.lease(epoch).map(\.orderID) == [done, old])
    }
  }

  @Test func noMoreFinishedOrdersAreKeptThanAllowed() async throws {
    try await withQueue(["order-queue.retention-count": "1000"]) { queue in
      let old = newOrderID()
      try await queue.enqueue(old)
      let ids = (0..<1_200).map { _ in newOrderID() }
      for start in stride(from: 0, to: ids.count, by: 50) {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for id in ids[start..<start + 50] {
            group.addTask {
              try await queue.enqueue(id)
              _ = try await queue.cancel(id)
            }
          }
          try await group.waitForAll()
        }
      }
      try await eventually("a thousand are kept") { await detail("finishedKept", queue) == 1_000 }
      let kept = try await queue.list()
      #expect(kept.count == 1_001)
      #expect(kept[old]?.state == .ready)
      // The latest are the ones that stay.
      #expect(ids.suffix(900).allSatisfy { kept[$0] != nil })
      #expect(try await queue.stats().cancelled == 1_200)
    }
  }

  @Test func aClockThatJumpsADayHarmsNothingThatIsHeld() async throws {
    let clock = SettableClock()
    try await withQueue(["order-queue.leadership-lease": "60s"], clocks: clock.clocks) { queue in
      let epoch = try await queue.claim(1).epoch
      let (held, delayed, mortal) = (newOrderID(), newOrderID(), newOrderID())
      try await queue.enqueue(held)
      #expect(try await queue.lease(epoch).map(\.orderID) == [held])
      let now = clock.clocks.wall()
      try await queue.enqueue(delayed) { $0.notBeforeMs = (now + .seconds(3_600)).milliseconds }
      try await queue.enqueue(mortal) { $0.expiresAtMs = (now + .seconds(7_200)).milliseconds }

      clock.set(by: .seconds(86_400))
      // What was due or too late by the wall clock is so now; what is held stays held.
      try await eventually("the delayed order is due") { try await queue.stats().delayed == 0 }
      try await eventually("the mortal one is too late") { try await queue.stats().expired == 1 }
      let stats = try await queue.stats()
      #expect(stats.leased == 1 && stats.redelivered == 0 && stats.lanes.first?.holder == "executor-1")
      try await queue.ack(held, epoch)
      #expect(try await queue.lease(epoch).map(\.orderID) == [delayed])

      clock.set(by: .seconds(-2 * 86_400))
      let (first, second, later) = (newOrderID(), newOrderID(), newOrderID())
      try await queue.enqueue(first)
      try await queue.enqueue(second)
      let due = clock.clocks.wall() + .milliseconds(300)
      try await queue.enqueue(later) { $0.notBeforeMs = due.milliseconds }
      #expect(try await queue.lease(epoch, max: 1, ms: 200).map(\.orderID) == [first])
      // Leases are monotonic time: they run out when they should.
      try await eventually("the lease runs out", within: .seconds(3)) {
        try await queue.stats().redelivered == 1
      }
      #expect(try await queue.lease(epoch, max: 2).map(\.orderID) == [first, second])
      try await eventually("what is delayed comes by the clock as it is now", within: .seconds(3)) {
        try await queue.lease(epoch).map(\.orderID) == [later]
      }
      for id in [delayed, first, second, later] { try await queue.ack(id, epoch) }
      let end = try await queue.stats()
      #expect(end.done == 5 && end.enqueued == 6 && end.fenced == 0)
    }
  }
}
