import CoreTime

/// Whether stamps of the wall clock tell how old something is, so that no setting of that clock makes anything
/// old.
///
/// They do once this process has run for a while, and as long as the wall clock has gone as far as the monotonic
/// one. When it was set, they do again when everything from before is old by the monotonic clock. The queue judges
/// its retention by the same rule (docs/QUEUE.md, "Clocks").
struct StampTrust: Sendable {
  /// How far the clocks may be apart, for the steps by which a wall clock is corrected.
  static let tolerance = Duration.seconds(5 * 60)
  /// How long after a start, for a machine that starts in the past and has its clock set then.
  static let settling = Duration.seconds(3_600)

  private let lifetime: Duration
  private var wall: Timestamp
  private var monotonic: Instant
  private var trusted: Instant

  /// `lifetime`: from which age on something is old.
  init(lifetime: Duration, wall: Timestamp, monotonic: Instant) {
    (self.lifetime, self.wall, self.monotonic) = (lifetime, wall, monotonic)
    trusted = monotonic + min(Self.settling, lifetime)
  }

  /// To be asked regularly: a setting is noticed when it is asked next.
  mutating func areTrusted(wall: Timestamp, monotonic: Instant) -> Bool {
    let drift = (wall - self.wall) - (monotonic - self.monotonic)
    if drift > Self.tolerance || drift < .zero - Self.tolerance {
      (self.wall, self.monotonic) = (wall, monotonic)
      trusted = monotonic + lifetime
    }
    return monotonic >= trusted
  }
}
