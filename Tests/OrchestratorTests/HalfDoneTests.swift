import CheckoutFlow
import DaemonKit
import Logging
import NIOPosix
import OrderDomain
import OrderStore
import Synchronization
import Testing
import VectorClock

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A transaction that is applied anew because one of its changes threw halfway.
@Suite(.timeLimit(.minutes(1))) struct HalfDoneTests {
  private struct Refused: Error {}

  @Test func theOthersOfItsTransactionAreMadeOnceAndSeeWhatIsOnDisk() async throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/ordersd-test-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let context = DaemonContext(
      process: "orchestrator", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      clocks: .system,
      heartbeats: Heartbeats(clocks: .system), eventLoopGroup: .singleton)
    let store = try DurableStore(
      path: folder + "/orders.db", schema: OrderSchema.steps, failureMode: .carryOn, context: context)
    let repository = OrderRepository(store: store, feed: OrderFeed())
    let order = try sampleOrder()
    _ = try await repository.admit(order, entries: [], key: nil, bodyMAC: "", at: order.createdAt)

    // Holds the writer until the next changes wait together.
    let (gate, open) = AsyncStream.makeStream(of: Void.self)
    let isEntered = Atomic(false)
    let isHeld = Atomic(true)
    store.submit { _ in
      isEntered.store(true, ordering: .relaxed)
      while isHeld.load(ordering: .relaxed) { usleep(1_000) }
    } completion: { _ in
      open.finish()
    }
    #expect(try await eventually { isEntered.load(ordering: .relaxed) })
    @Sendable func become(_ next: OrderState) async throws -> StoredOrder {
      try await repository.change(order.id) { stored in
        [try stored.become(next, actor: "test", clock: VectorClock(["test": 1]), at: stored.createdAt)]
      }
    }
    try await withThrowingTaskGroup(of: OrderState?.self) { group in
      group.addTask { try await become(.verifying).state }
      group.addTask {
        do {
          return try await repository.commit { writer in
            var doomed = order
            _ = try doomed.become(.cancelled, actor: "test", clock: VectorClock(), at: order.createdAt)
            try writer.update(doomed, [])
            throw Refused()
          }
        } catch is Refused {
          return nil
        }
      }
      #expect(try await eventually { store.waiting >= 2 })
      isHeld.store(false, ordering: .relaxed)
      let states = try await group.reduce(into: [OrderState?]()) { $0.append($1) }
      #expect(Set(states) == [.verifying, nil])
    }
    for await _ in gate {}
    #expect(try await become(.approved).state == .approved)
    let (stored, entries) = try await repository.history(of: order.id)
    #expect(stored.state == .approved && entries.map(\.state) == ["verifying", "approved"])
    try store.close()
    try FileManager.default.removeItem(atPath: folder)
  }
}
