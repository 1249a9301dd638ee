import CoreTime
import DaemonKit
import Foundation
import OrderProtos
import OrderQueue
import OrderWire
import SwiftProtobuf
import Testing

/// What survives.
@Suite(.timeLimit(.minutes(1)))
struct DurabilityTests {
  @Test func aRestartKeepsEverything() async throws {
    let folder = TemporaryFolder()
    let (waiting, leased, done, delayed) = (newOrderID(), newOrderID(), newOrderID(), newOrderID())
    let epoch = try await withQueue(folder: folder.path) { queue in
      try await queue.enqueue(done)
      try await queue.enqueue(leased)
      let epoch = try await queue.claim(3).epoch
      #expect(try await queue.lease(epoch, max: 2).count == 2)
      try await queue.ack(done, epoch)
      try await queue.enqueue(waiting)
      try await queue.enqueue(delayed) {
        $0.notBeforeMs = Int64(Date().timeIntervalSince1970 * 1_000) + 3_600_000
      }
      return epoch
    }
    try await withQueue(folder: folder.path) { queue in
      let stats = try await queue.stats()
      #expect(stats.ready == 1 && stats.leased == 1 && stats.done == 1 && stats.delayed == 1)
      #expect(stats.lanes.first?.holder == "executor-3" && stats.lanes.first?.epoch == epoch)
      // The holder goes on; its lease was kept.
      #expect(try await queue.claim(3).epoch == epoch)
      let ack = try await queue.ack(leased, epoch)
      #expect(ack.clock.components == ["orchestrator": 3, "order-queue": 3, "executor-1": 2])
      // Done before the restart: the machine has forgotten both.
      #expect(try await queue.enqueue(done).duplicate)
      #expect(try await queue.ack(done, epoch).duplicate)
      #expect(try await queue.claim(3, incarnation: 2).epoch == epoch + 1)
      #expect(try await queue.outcomes(after: 0, count: 4).map(\.sequence) == [1, 2, 3, 4])
    }
  }

  @Test func aNewLeaderAfterARestartGetsWhatWasLeased() async throws {
    let folder = TemporaryFolder()
    let id = newOrderID()
    try await withQueue(folder: folder.path) { queue in
      try await queue.enqueue(id)
      _ = try await queue.lease(try await queue.claim(1).epoch)
    }
    try await withQueue(folder: folder.path) { queue in
      let epoch = try await queue.claim(2).epoch
      #expect(epoch == 2)
      let delivery = try #require(try await queue.lease(epoch).first)
      #expect(delivery.orderID == id && delivery.attempt == 2)
    }
  }

  @Test func openStreamsEndWhenTheQueueStopsAndKeepTheirLeadership() async throws {
    let folder = TemporaryFolder()
    let started = ContinuousClock.now
    try await withQueue(folder: folder.path) { queue in
      try await queue.claim(3)
      try await queue.work(1, executor: 3, incarnation: 1, credits: 1) { session in
        for try await event in session.events {
          if case .opened = event.event { await queue.stop() }
        }
      }
    }
    #expect(ContinuousClock.now - started < .seconds(4))
    try await withQueue(folder: folder.path) { queue in
      let other = try await queue.claim(1)
      #expect(!other.granted)
      let holder = try await queue.claim(3)
      #expect(holder.epoch == 1)
    }
  }

  @Test func aFullDiskRefusesAndLosesNothingAndPasses() async throws {
    try await withQueue { queue in
      let epoch = try await queue.claim(1).epoch
      let before = newOrderID()
      try await queue.enqueue(before)
      queue.store.limitSize(pages: 1)
      var refused: ServiceError?
      var accepted = [before]
      // Bodies of 60 KiB fill what is left of the file at once.
      for _ in 0..<20 {
        let id = newOrderID()
        do {
          try await queue.enqueue(id, body: Data(count: 60_000))
          accepted.append(id)
        } catch let error as ServiceError {
          refused = error
          break
        }
      }
      #expect(refused?.code == .storageUnavailable)
      #expect(refused?.isRetryable == true)
      #expect(await queue.report().problems.first?.hasPrefix("storage:") == true)
      let lease = try await queue.refusal { client, options in
        try await client.lease(.with { $0.fence = fence(epoch) }, options: options)
      }
      #expect(lease.code == .storageUnavailable)

      queue.store.limitSize(pages: 1_000_000)
      try await eventually("the queue takes orders again") { await queue.report().problems.isEmpty }
      let after = newOrderID()
      try await queue.enqueue(after)
      accepted.append(after)
      #expect(try await queue.stats().ready == UInt64(accepted.count))
      try await queue.claim(1)
      #expect(try await queue.lease(epoch, max: 100).map(\.orderID) == accepted)
    }
  }

  @Test func anOpenWorkStreamOutlivesAFullDisk() async throws {
    try await withQueue { queue in
      let epoch = try await queue.claim(3).epoch
      let last = newOrderID()
      try await queue.work(epoch, executor: 3, incarnation: 1, credits: 100) { session in
        for try await event in session.events {
          if case .opened = event.event {
            queue.store.limitSize(pages: 1)
            await #expect(throws: ServiceError.self) {
              while true { try await queue.enqueue(newOrderID(), body: Data(count: 60_000)) }
            }
            queue.store.limitSize(pages: 1_000_000)
            try await eventually("the queue takes orders again") { await queue.report().problems.isEmpty }
            try await queue.enqueue(last)
          }
          if case .delivery(let delivery) = event.event, delivery.orderID == last { return }
        }
      }
      // The leadership still hangs on that stream.
      try await eventually("the lane is free", within: .seconds(2)) { try await queue.claim(1).granted }
    }
  }

  @Test func settingsAreCheckedTogether() throws {
    let reader = SettingsReader(layers: [
      .flags([
        "order-queue.lease": "5", "order-queue.capacity": "0", "order-queue.backoff-initial": "10s",
        "order-queue.backoff-max": "1s",
      ])
    ])
    _ = OrderQueueConfiguration(reader: reader)
    let error = #expect(throws: ConfigurationError.self) { try reader.validate() }
    #expect(error?.problems.count == 3)
  }

  @Test func theStateFolderIsFoundInOrder() {
    func file(_ flags: [String: String], _ environment: [String: String]) -> String {
      OrderQueueConfiguration(reader: SettingsReader(layers: [.flags(flags)]), environment: environment).file
    }
    let given = ["STATE_DIRECTORY": "/var/lib/x/order-queue:/other"]
    #expect(file([:], [:]) == "/var/lib/ordersd/order-queue/queue.db")
    #expect(file([:], given) == "/var/lib/x/order-queue/queue.db")
    #expect(file(["state": "/srv"], given) == "/srv/order-queue/queue.db")
  }
}
