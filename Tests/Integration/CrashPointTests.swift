import Foundation
import Synchronization
import Testing

extension Integration {
  /// The orchestrator is killed again and again, wherever it is; its clients repeat what was not answered, under
  /// the same key.
  @Suite("Crash points", .timeLimit(.minutes(60))) struct CrashPointTests {
    /// `CRASH_POINTS=1000` for a long run.
    private static let points =
      ProcessInfo.processInfo.environment["CRASH_POINTS"].flatMap { Int($0) } ?? 4
    private static let clients = 4

    /// What the clients know.
    private final class Ledger: Sendable {
      struct State {
        var isClosing = false
        /// By key: every order that an answer named.
        var orders: [String: Set<String>] = [:]
        var repeats = 0
      }
      let state = Mutex(State())
    }

    @Test("Killed at any point, the orchestrator neither loses an order nor makes two of one")
    func anyPoint() async throws {
      try await Cluster.with(arguments: ["--restart-delay", "20ms", "--longest-restart-delay", "20ms"]) {
        cluster in
        let ledger = Ledger()
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          for client in 0..<Self.clients {
            group.addTask { try await Self.shop(client, cluster, ledger) }
          }
          group.addTask {
            defer { ledger.state.withLock { $0.isClosing = true } }
            for _ in 0..<Self.points { try await Self.killSomewhere(cluster) }
          }
          try await group.waitForAll()
        }
        let (orders, repeats) = ledger.state.withLock { ($0.orders, $0.repeats) }
        #expect(repeats > 0, "the crashes were felt")
        #expect(orders.values.allSatisfy { $0.count == 1 }, "a key stands for one order")
        let ids = orders.values.flatMap { $0 }
        #expect(Set(ids).count == ids.count, "an order belongs to one key")
        let seconds = Int((ContinuousClock.now - start).components.seconds)
        try await cluster.allExecuted(ids, within: .seconds(120 + ids.count / 20))
        print(
          "crash points \(Self.points), orders \(ids.count), repeated requests \(repeats), lost 0, twice 0; "
            + "\(seconds) s of crashes")
      }
    }

    /// Once it serves again, at a random moment.
    private static func killSomewhere(_ cluster: Cluster) async throws {
      let orchestrator = "orchestrator"
      try await eventually("the orchestrator is back", within: .seconds(30)) {
        try cluster.report()?.roles[orchestrator]?.ready == true
      }
      // Not a wait for anything: this is the random point.
      try await Task.sleep(for: .microseconds(Int64.random(in: 0...400_000)))
      let killed = try cluster.signal(orchestrator, SIGKILL)
      try await eventually("the end of the orchestrator is seen", within: .seconds(10)) {
        try cluster.report()?.roles[orchestrator]?.pid != killed
      }
    }

    /// Orders one thing after the other, each until it is decided.
    private static func shop(_ client: Int, _ cluster: Cluster, _ ledger: Ledger) async throws {
      var number = 0
      while !ledger.state.withLock({ $0.isClosing }) {
        number += 1
        let key = "client-\(client)-\(number)"
        let body = Customers.order(number * clients + client)
        while true {
          do {
            let order = try await cluster.submit(body, key: key)
            #expect(order.rejection == nil, "\(key): \(String(describing: order.rejection))")
            ledger.state.withLock { _ = $0.orders[key, default: []].insert(order.orderId) }
            break
          } catch {
            // Cut off, or nobody there: what a client sees of a crash. It asks again under the same key.
            let isClosing = ledger.state.withLock { state in
              state.repeats += 1
              return state.isClosing
            }
            try await Task.sleep(for: .milliseconds(isClosing ? 50 : 5))
          }
        }
      }
    }
  }
}
