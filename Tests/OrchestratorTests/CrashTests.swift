import OrderProtos
import Synchronization
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The orchestrator is cut off again and again, wherever it is, and started on the same files; its clients repeat what
/// was not answered, under the same key.
@Suite(.timeLimit(.minutes(30))) struct CrashTests {
  /// `ORDERSD_CRASH_POINTS=1000` for a long run.
  private static let points =
    ProcessInfo.processInfo.environment["ORDERSD_CRASH_POINTS"].flatMap { Int($0) } ?? 25
  private static let clients = 6

  /// What the clients know.
  private final class Ledger: Sendable {
    struct State {
      var shop: HTTPEndpoint?
      var isClosing = false
      /// By key: every answer that named an order.
      var answers: [String: Set<String>] = [:]
      var repeats = 0
    }
    let state = Mutex(State())
  }

  @Test func nothingIsLostAndNothingHappensTwice() async throws {
    try await withSurroundings { around in
      let ledger = Ledger()
      let flags = ["orchestrator.order-deadline": "10s"]
      let shoppers = Task { try await shopAll(ledger) }
      defer { shoppers.cancel() }
      for _ in 0..<Self.points {
        try await withShop(around, flags, crashes: true) { shop in
          ledger.state.withLock { $0.shop = shop.http }
          // Not a wait for anything: this is the random point.
          try await Task.sleep(for: .microseconds(Int64.random(in: 0...60_000)))
        }
      }
      try await withShop(around, flags) { shop in
        ledger.state.withLock { state in
          state.shop = shop.http
          state.isClosing = true
        }
        try await shoppers.value
        try await check(ledger, shop, around)
      }
    }
  }

  private func shopAll(_ ledger: Ledger) async throws {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      for client in 0..<Self.clients { tasks.addTask { try await shopOn(client, ledger) } }
      try await tasks.waitForAll()
    }
  }

  /// Orders one thing after the other, each until it is decided.
  private func shopOn(_ client: Int, _ ledger: Ledger) async throws {
    var number = 0
    while !ledger.state.withLock({ $0.isClosing }) {
      number += 1
      let key = "client-\(client)-\(number)"
      while true {
        if let shop = ledger.state.withLock({ $0.shop }),
          let reply = try? await shop.post(orderBody(), key: key),
          reply.status == 201, let order = try? reply.json(), let id = order["orderId"].text
        {
          ledger.state.withLock { _ = $0.answers[key, default: []].insert(id) }
          #expect(["approved", "queued"].contains(order["state"].text), "\(key): \(order)")
          break
        }
        ledger.state.withLock { $0.repeats += 1 }
        try await Task.sleep(for: .milliseconds(5))
      }
    }
  }

  private func check(_ ledger: Ledger, _ shop: Shop, _ around: Surroundings) async throws {
    let (answers, repeats) = ledger.state.withLock { ($0.answers, $0.repeats) }
    #expect(repeats > 0, "the crashes were felt")
    #expect(answers.values.allSatisfy { $0.count == 1 }, "a key stands for one order")
    let ordered = Set(answers.values.flatMap { $0 })
    #expect(ordered.count == answers.count, "an order belongs to one key")
    for id in ordered { #expect(try await shop.order(id, in: "queued")["state"].text == "queued") }
    let queued = around.queue.taken.map(\.orderID)
    #expect(
      queued.count == Set(queued).count && Set(queued) == ordered, "each is queued, and nothing else is")
    print("crash points \(Self.points), orders \(ordered.count), repeated requests \(repeats)")
  }
}
