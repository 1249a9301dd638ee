import CoreTime

/// The two clocks of one machine. The monotonic one runs a little too fast or too slow and never jumps, not
/// even while its processes are stopped; the wall clock can be set.
struct NodeClock {
  /// Parts per million by which it runs too fast.
  var drift: Int64 = 0
  var origin: Int64 = 0
  /// What the wall clock shows in advance of the world.
  var wallOffset: Duration = .zero

  /// An arbitrary point in 2026.
  private static let epoch: Int64 = 1_790_000_000_000

  func monotonic(_ time: WorldTime) -> Instant {
    Instant(nanoseconds: origin + time + time / 1_000_000 * drift)
  }

  func wall(_ time: WorldTime) -> Timestamp {
    Timestamp(milliseconds: Self.epoch + time / 1_000_000) + wallOffset
  }

  /// When this clock shows `instant`, rounded up.
  func world(_ instant: Instant) -> WorldTime {
    let elapsed = instant.nanoseconds - origin
    var time = elapsed - elapsed / (1_000_000 + drift) * drift
    while monotonic(time) < instant { time += 1_000 }
    return time
  }
}
