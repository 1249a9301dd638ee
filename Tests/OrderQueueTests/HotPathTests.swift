import DaemonKit
import Foundation
import GRDB
import GRPCCore
import OrderProtos
import OrderQueue
import OrderWire
import SwiftProtobuf
import Testing

/// What the hot path leaves out must not be missed.
@Suite(.timeLimit(.minutes(2)))
struct HotPathTests {
  @Test(arguments: [
    ["orchestrator": 3], ["a \"quoted\" \\ name": 1, "ordinary": 2],
    ["käsitleja": 4, "tab\there": 5, "/": 6],
    ["orchestrator": QueueLimit.clockCount], [:],
  ])
  func clocksComeBackAsTheyWentIn(_ components: [String: UInt64]) async throws {
    let folder = TemporaryFolder()
    let id = newOrderID()
    let expected = components.merging(["order-queue": 1]) { $1 }
    try await withQueue(folder: folder.path) { queue in
      let reply = try await queue.enqueue(id) { $0.clock.components = components }
      #expect(reply.clock.components == expected)
    }
    try await withQueue(folder: folder.path) { queue in
      #expect(try await queue.peek(id).job.clock.components == expected)
      let epoch = try await queue.claim(1).epoch
      let delivery = try #require(try await queue.lease(epoch).first)
      #expect(delivery.clock.components == expected.merging(["order-queue": 2]) { $1 })
    }
  }

  /// A counter that no longer counts would stop the queue at each start anew.
  @Test func aClockThatCannotGoOnIsRefused() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      let refused = try await queue.refusal { client, options in
        try await client.enqueue(
          .with {
            $0.orderID = id
            $0.clock.components = ["order-queue": .max - 1]
          }, options: options)
      }
      #expect(refused.code == .invalidArgument)
      try await queue.enqueue(id)
      let epoch = try await queue.claim(1).epoch
      #expect(try await queue.lease(epoch).map(\.orderID) == [id])
    }
  }

  /// gRPC's clients take 4 MiB.
  @Test func whatIsLeasedAndToldFitsIntoMessages() async throws {
    try await withQueue { queue in
      let body = Data(repeating: 0x20, count: 60_000)
      let ids = (0..<75).map { _ in newOrderID() }
      for id in ids {
        try await queue.enqueue(id, body: body) { request in
          request.basket.items = (0..<1_000).map { number in
            .with {
              $0.sku = String(repeating: "s", count: 60) + "\(number)"
              $0.quantity = 1
            }
          }
        }
      }
      let epoch = try await queue.claim(1).epoch
      var leased: [String] = []
      while leased.count < ids.count {
        let deliveries = try await queue.lease(epoch, max: 256)
        #expect(!deliveries.isEmpty && deliveries.allSatisfy { $0.body.count == body.count })
        leased += deliveries.map(\.orderID)
        #expect(try await queue.stats().leased == leased.count)
      }
      #expect(leased == ids)
      for id in ids { try await queue.ack(id, epoch) }
      let outcomes = try await queue.outcomes(after: 0, count: 2 * ids.count)
      #expect(outcomes.map(\.sequence) == (1...UInt64(2 * ids.count)).map { $0 })
      #expect(outcomes.filter { $0.basket.items.count == 1_000 }.count == ids.count)
    }
  }

  @Test func oneMessageIsOneTransactionAndIsAnsweredInItsOrder() async throws {
    try await withQueue { queue in
      let ids = (0..<200).map { _ in newOrderID() }
      var calls: [Ordersd_V1_QueueCall] = ids.enumerated().map { number, id in
        .with {
          $0.correlationID = UInt64(number)
          $0.enqueue = .with { $0.orderID = id }
        }
      }
      // A refused one and a repeat between the others harm none of them.
      calls[50].enqueue.priority = 10
      calls[120].enqueue.orderID = ids[7]
      let sent = calls
      let answers = try await queue.call { client, options in
        try await client.session(options: options) { writer in
          try await writer.write(.with { $0.calls = sent })
        } onResponse: { response in
          var answers: [Ordersd_V1_QueueAnswer] = []
          for try await reply in response.messages { answers += reply.answers }
          return answers
        }
      }
      #expect(answers.map(\.correlationID) == (0..<200).map(UInt64.init))
      #expect(answers[50].error.code == ErrorCode.invalidArgument.rawValue)
      #expect(answers[120].enqueue.duplicate)
      #expect(try await queue.stats().ready == 198)
      for state in [Ordersd_V1_JobState.ready, .delayed, .done] {
        let page = try await queue.call { client, options in
          try await client.list(
            .with {
              $0.state = state
              $0.limit = 1_000
            }, options: options)
        }
        #expect(page.jobs.count == (state == .ready ? 198 : 0))
      }
    }
  }

  @Test func aFileOfTheSchemaBeforeGoesOn() async throws {
    let folder = TemporaryFolder()
    let (done, waiting) = (newOrderID(), newOrderID())
    try await withQueue(folder: folder.path) { queue in
      try await queue.enqueue(done)
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.lease(epoch)
      try await queue.ack(done, epoch)
      try await queue.enqueue(waiting)
    }
    try await Self.turnBack(try configuration(folder.path).file)
    try await withQueue(folder: folder.path) { queue in
      let stats = try await queue.stats()
      #expect(stats.done == 1 && stats.ready == 1 && stats.enqueued == 2)
      #expect(try await queue.outcomes(after: 0, count: 2).map(\.sequence) == [1, 2])
      let epoch = try await queue.claim(2).epoch
      #expect(try await queue.lease(epoch).map(\.orderID) == [waiting])
      #expect(try await queue.outcomes(after: 2, count: 1).map(\.sequence) == [3])
    }
  }

  /// Makes the file what version 2 of the schema left.
  private static func turnBack(_ path: String) async throws {
    let file = try DatabaseQueue(path: path)
    try await file.write { db in
      try db.execute(
        sql: """
          DELETE FROM grdb_migrations WHERE identifier = '4-hot-path';
          DROP INDEX jobs_set_aside;
          CREATE INDEX jobs_by_state ON jobs (state, order_id);
          ALTER TABLE pruned DROP COLUMN last_outcome;
          ALTER TABLE outcomes RENAME TO later;
          CREATE TABLE outcomes (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, kind TEXT NOT NULL,
            clock TEXT NOT NULL, at_ms INTEGER NOT NULL, executor INTEGER, epoch INTEGER NOT NULL,
            attempt INTEGER NOT NULL, reason TEXT, basket BLOB
          ) STRICT;
          INSERT INTO outcomes SELECT * FROM later;
          DROP TABLE later;
          """)
    }
    try file.close()
  }
}
