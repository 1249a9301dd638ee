import CoreTime
package import DaemonKit
import Synchronization

/// Heartbeats by a clock that a test sets forward, and the test of the watchdog itself: one loop is held up, and
/// it alone is missed.
package struct WatchedLoops: Sendable {
  private final class Skipped: Sendable {
    let time = Mutex<Duration>(.zero)
  }

  private let skipped: Skipped
  package let heartbeats: Heartbeats

  package init() {
    let skipped = Skipped()
    self.skipped = skipped
    heartbeats = Heartbeats(
      clocks: Clocks(
        now: { Clocks.system.now() + skipped.time.withLock { $0 } }, wall: Clocks.system.wall))
  }

  /// Names of the loops that are missed now.
  package var missed: [String] { heartbeats.stalled().map { String($0.prefix { $0 != " " }) } }

  /// Lets an hour pass for the heartbeats: whoever does not beat from now on is missed.
  package func letTimePass() { skipped.time.withLock { $0 += .seconds(3_600) } }

  /// Holds the loop up, does `work`, which brings it round, and returns who is missed once the others have come round.
  /// Then it is let go. Throws `NotHeldUp` when it did not come to be held up.
  package func missed(
    wedging name: String, work: @Sendable () async throws -> Void = {}
  ) async throws -> [String] {
    guard heartbeats.wedge(name) else { throw NotHeldUp(name: name) }
    defer { heartbeats.release(name) }
    try await work()
    guard try await Self.eventually({ heartbeats.isHeldUp(name) }) else { throw NotHeldUp(name: name) }
    letTimePass()
    _ = try await Self.eventually { missed == [name] }
    return missed
  }

  /// Whether every loop comes round again.
  package func allTurn() async throws -> Bool { try await Self.eventually { missed.isEmpty } }

  /// Returns whether `condition` holds. 15 s at most, counted in looks: tests that compute hold this one up
  /// for longer than that, and what it waits for with it.
  package static func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<750 {
      if condition() { return true }
      try await Task.sleep(for: .milliseconds(20))
    }
    return condition()
  }
}

/// There is no such loop, or it did not come round.
package struct NotHeldUp: Error {
  package let name: String
}
