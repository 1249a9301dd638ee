import CoreTime
import DaemonKit
import Logging
import OrderWire
import PriorityQueue

// The queue's own pauses count as no time (ADR 0009).
extension QueueEngine {
  /// How much later than it should the loop may run before the process counts as having stood still.
  private static let tolerance: Duration = .milliseconds(500)

  /// Throws what keeps a call from being taken now. Everything that steps the machine for a caller begins here,
  /// so that no deadline is judged before a standstill is made up for.
  func admit(writes: Bool = true) throws {
    makeUpForStandstill()
    try desk.admit(writes: writes)
  }

  /// Gives leadership and leases back the time in which the process was stopped, or the disk did not answer.
  func makeUpForStandstill() {
    let now = clocks.now()
    defer { lastAlive = now }
    var pause = desk.standstill(at: now)
    // Somebody is here at the latest when the loop is to wake.
    if now - max(lastAlive, due) > Self.tolerance {
      pause = min(lastAlive, pause?.lowerBound ?? lastAlive)..<now
    }
    guard let pause, case let start = max(pause.lowerBound, madeUp), start < pause.upperBound else { return }
    let length = pause.upperBound - start
    // A standstill of the disk is made up for bit by bit while it lasts.
    let isNew = pause.lowerBound >= madeUp
    madeUp = pause.upperBound
    machine.stoodStill(for: length)
    meters.stoodStill(length)
    logger.log(
      level: isNew ? .notice : .debug,
      "The queue stood still; leadership and leases go on from where they were.",
      metadata: ["milliseconds": "\(length.millisecondsClamped)"])
  }
}
