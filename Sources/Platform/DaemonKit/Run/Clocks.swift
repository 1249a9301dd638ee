package import CoreTime

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

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
    now: { Instant(nanoseconds: nanoseconds(of: CLOCK_BOOTTIME)) },
    wall: { Timestamp(milliseconds: nanoseconds(of: CLOCK_REALTIME) / 1_000_000) })
}

private func nanoseconds(of clock: clockid_t) -> Int64 {
  var time = timespec()
  // Cannot fail for these two clocks on Linux ≥ 2.6.39.
  let result = clock_gettime(clock, &time)
  precondition(result == 0, "clock_gettime failed")
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
