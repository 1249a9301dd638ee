package import CoreTime
package import DaemonKit
import ServiceLifecycle
import Synchronization

/// Calls back at a time, for many who mostly finish before it: setting an alarm costs an append, and none
/// is taken back.
///
/// Coarse: an alarm rings up to `grain` late, never early. Callbacks are short; they run one after the other.
package final class Alarms: Service {
  private static let grain: Int64 = 10_000_000
  /// Most alarms of callers whose number nothing else bounds.
  package static let share = 500_000

  private struct State {
    /// By the grain in which they are due.
    var due: [Int64: [@Sendable () -> Void]] = [:]
    var count = 0
    var isOver = false
  }

  private let clocks: Clocks
  private let state = Mutex(State())
  private let (wakeUps, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  package init(clocks: Clocks) { self.clocks = clocks }

  /// Alarms that are set and have not rung.
  package var count: Int { state.withLock { $0.count } }

  /// Calls `body` at `time` or shortly after, or at once when the daemon stops before. False, and never, when it has
  /// stopped, or as many as `limit` are set.
  @discardableResult
  package func ring(
    at time: Instant, upTo limit: Int = .max, _ body: @escaping @Sendable () -> Void
  ) -> Bool {
    let slot = max(time.nanoseconds, 0) / Self.grain + 1
    let isFirst: Bool? = state.withLock { state in
      guard !state.isOver, state.count < limit else { return nil }
      state.due[slot, default: []].append(body)
      state.count += 1
      return state.count == 1
    }
    if isFirst == true { wake.yield() }
    return isFirst != nil
  }

  package func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      for await _ in wakeUps {
        // Only while something is set: an idle daemon does not wake up.
        while state.withLock({ $0.count > 0 }) {
          do { try await Task.sleep(for: .nanoseconds(Self.grain)) } catch { break }
          for body in due() { body() }
        }
      }
    }
    // Whoever waits for one is let go on, and finds that the daemon stops.
    let left = state.withLock { state in
      defer { state = State(isOver: true) }
      return state.due.values.flatMap { $0 }
    }
    for body in left { body() }
  }

  private func due() -> [@Sendable () -> Void] {
    let now = clocks.now().nanoseconds / Self.grain
    return state.withLock { state in
      let slots = state.due.keys.filter { $0 <= now }.sorted()
      let bodies = slots.flatMap { state.due.removeValue(forKey: $0) ?? [] }
      state.count -= bodies.count
      return bodies
    }
  }
}
