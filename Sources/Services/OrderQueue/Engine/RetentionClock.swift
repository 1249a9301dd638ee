package import CoreTime
package import PriorityQueue

/// Judges which outcomes are older than the retention, so that no setting of the wall clock makes any old.
///
/// What this process has written is judged by the monotonic clock alone: a mark says which outcome was the last
/// one at which instant, so whatever stands up to it is at least as old. What earlier processes wrote has only
/// its stamp, by the wall clock. That one counts once this process has run for a while, and as long as it has
/// gone as far as the monotonic clock since the start; a machine without a battery for its clock starts in the
/// past and jumps later. In any case it is old when this process has run for the whole retention.
package struct RetentionClock: Sendable {
  /// How far the clocks may be apart, for the steps by which a wall clock is corrected.
  package static let tolerance = Duration.seconds(5 * 60)
  /// How long readers have to come back after a start, before stamps count.
  package static let settling = Duration.seconds(3_600)
  /// Marks that are kept at most; an outcome may be kept so many parts of the retention longer.
  package static let precision = 128

  /// What may be forgotten.
  package struct Cut: Sendable, Hashable {
    /// Outcomes up to this one are old; 0 for none.
    package var sequence: UInt64
    /// Outcomes up to this one are old as well when they are stamped earlier than `before`; 0 for none.
    package var stamped: UInt64
    package var before: Timestamp

    package func isOld(_ outcome: UInt64, stamp: Timestamp) -> Bool {
      outcome <= sequence || (outcome <= stamped && stamp < before)
    }
  }

  private struct Mark {
    /// The last outcome then.
    let sequence: UInt64
    let at: Instant
  }

  private let retention: Duration
  private let start: Now
  /// The last outcome of the earlier processes.
  private let inherited: UInt64
  private var marks: [Mark]
  private var lastMarked: UInt64
  private var lookedAt: Instant
  private var old: UInt64 = 0
  private var isToldOf = false

  /// `latest`: the last outcome that was written before this process began.
  package init(retention: Duration, latest: UInt64, now: Now) {
    self.retention = retention
    start = now
    inherited = latest
    marks = [Mark(sequence: latest, at: now.monotonic)]
    lastMarked = latest
    lookedAt = now.monotonic
  }

  /// Whether `mark` is to be called.
  package func isMarkDue(at now: Instant) -> Bool { now - lookedAt >= retention / Self.precision }

  /// `latest`: the last outcome, as it was read before `now`.
  package mutating func mark(_ latest: UInt64, at now: Instant) {
    lookedAt = now
    guard latest > lastMarked else { return }
    lastMarked = latest
    marks.append(Mark(sequence: latest, at: now))
  }

  package mutating func cut(at now: Now) -> Cut {
    let passed = marks.prefix(while: { now.monotonic - $0.at >= retention })
    if let last = passed.last { old = last.sequence }
    marks.removeFirst(passed.count)
    let hasSettled = now.monotonic - start.monotonic >= min(retention, Self.settling)
    let counts = hasSettled && setting(at: now) == nil
    return Cut(
      sequence: old, stamped: counts ? inherited : 0, before: now.wall + (Duration.zero - retention))
  }

  /// Once: how far the wall clock was set, so that stamps do not count.
  package mutating func newSetting(at now: Now) -> Duration? {
    guard !isToldOf, let drift = setting(at: now) else { return nil }
    isToldOf = true
    return drift
  }

  /// How far the wall clock was set since the start, if that matters still and is more than a correction.
  private func setting(at now: Now) -> Duration? {
    guard old < inherited else { return nil }
    let drift = (now.wall - start.wall) - (now.monotonic - start.monotonic)
    return drift > Self.tolerance || drift < Duration.zero - Self.tolerance ? drift : nil
  }
}
