package import CoreTime
import KernelCalls

/// The clocks of a process, handed to everything that needs the time, so that a test can replace them.
package struct Clocks: Sendable {
  /// Monotonic; goes on while the machine sleeps (`CLOCK_BOOTTIME`, clock_gettime(2)).
  package let now: @Sendable () -> Instant
  /// The wall clock.
  package let wall: @Sendable () -> Timestamp

  package init(now: @escaping @Sendable () -> Instant, wall: @escaping @Sendable () -> Timestamp) {
    self.now = now
    self.wall = wall
  }

  package static let system = Clocks(
    now: { Instant(nanoseconds: KernelClock.sinceBoot.nanoseconds) },
    wall: { Timestamp(milliseconds: KernelClock.wall.nanoseconds / 1_000_000) })
}
