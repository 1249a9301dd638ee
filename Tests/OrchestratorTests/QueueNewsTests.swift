import CheckoutFlow
import CoreTime
import DaemonKit
import Logging
import NIOPosix
import OrderDomain
import OrderProtos
import OrderStore
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What the queue says of orders, and how it is written down.
@Suite(.timeLimit(.minutes(1))) struct QueueNewsTests {
  private static let sent = VectorClock(["orchestrator": 4])

  private func withRepository(
    _ body: (OrderRepository, StoredOrder, DaemonContext) async throws -> Void
  ) async throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/ordersd-test-\(UInt64.random(in: 0 ... .max))"
    let context = DaemonContext(
      process: "orchestrator", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      clocks: .system, heartbeats: Heartbeats(clocks: .system), eventLoopGroup: .singleton)
    let store = try DurableStore(
      path: folder + "/orders.db", schema: OrderSchema.steps, failureMode: .carryOn, context: context)
    let repository = OrderRepository(store: store, feed: OrderFeed())
    var order = try sampleOrder()
    for state in [OrderState.verifying, .approved] {
      _ = try order.become(
        state, actor: "orchestrator", clock: VectorClock(["orchestrator": 3]), at: order.createdAt)
    }
    _ = try await repository.admit(order, entries: [], key: nil, bodyMAC: "", at: order.createdAt)
    try await body(repository, order, context)
    try store.close()
    try FileManager.default.removeItem(atPath: folder)
  }

  private func taken(_ order: StoredOrder) -> NewsBatch.Taken {
    .init(
      order: order.id, sent: Self.sent, answered: VectorClock(["orchestrator": 4, "order-queue": 1]),
      at: order.createdAt)
  }

  private func outcome(_ kind: Ordersd_V1_Outcome.Kind, _ order: StoredOrder, _ sequence: UInt64)
    -> Ordersd_V1_Outcome
  {
    .with {
      $0.sequence = sequence
      $0.orderID = order.id.description
      $0.kind = kind
      $0.clock = VectorClock(["orchestrator": 4, "order-queue": sequence + 1]).message
      $0.executor = "executor-3"
    }
  }

  @Test func stepsThatComeTogetherAreOneChangeInTheirOrder() async throws {
    try await withRepository { repository, order, context in
      let before = try await repository.lastChange()
      let batch = NewsBatch(
        taken: [taken(order)], outcomes: [outcome(.executing, order, 1), outcome(.executed, order, 2)])
      #expect(try await repository.commit { try batch.write(with: &$0, context) } == false)
      let (stored, entries) = try await repository.history(of: order.id)
      #expect(stored.state == .executed && stored.execution?.executor == "executor-3")
      #expect(entries.map(\.state) == ["passed", "queued", "executing", "executed"])
      #expect(try await repository.lastChange() == before + 1)
      // Once more, as after a broken stream or a second hand-over.
      #expect(try await repository.commit { try batch.write(with: &$0, context) } == false)
      #expect(try await repository.timeline(of: order.id) == entries)
      let cursor = try await repository.store.read { try CursorTable.value(OutcomeFollower.cursor, $0) }
      #expect(cursor == 2)
    }
  }

  @Test func anOrderThatWasCancelledMeanwhileIsToBeWithdrawn() async throws {
    try await withRepository { repository, order, context in
      _ = try await repository.change(order.id) { order in
        order.cancellation = .init(reason: "ordered twice", requestedAt: order.createdAt)
        return []
      }
      let batch = NewsBatch(taken: [taken(order)])
      #expect(try await repository.commit { try batch.write(with: &$0, context) })
      #expect(try await repository.order(order.id).state == .approved)
    }
  }

  /// A follower that is cancelled while there is no room is let go, and its outcomes come again.
  @Test func whoeverWaitsForRoomCanBeCancelled() async throws {
    try await withRepository { repository, order, context in
      let news = QueueNews(repository: repository, context: context)
      let many = (1...UInt64(QueueNews.capacity)).map { outcome(.executing, order, $0) }
      try await news.put(many)
      let waiting = Task { try await news.put([outcome(.executed, order, 9_999)]) }
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
  }
}
