package import CoreTime

/// Spares a peer that fails, and those who wait for it: after some failures in a row calls are refused at once, until
/// a probe shows that the peer is back (M. Nygard, "Release It!", 2007).
package struct CircuitBreaker: Sendable, Hashable {
  package struct Settings: Sendable, Hashable {
    /// Failures in a row that open it; at least 1.
    package var failures: Int
    /// How long it refuses before the first probe; doubles with every probe that fails.
    package var pause: Duration
    package var longestPause: Duration
    /// Probes in a row that close it; at least 1.
    package var probes: Int

    package init(failures: Int, pause: Duration, longestPause: Duration, probes: Int) {
      precondition(failures >= 1 && probes >= 1, "at least one failure opens, at least one probe closes")
      self.failures = failures
      self.pause = pause
      self.longestPause = max(pause, longestPause)
      self.probes = probes
    }
  }

  /// What it is at.
  package enum Phase: String, Sendable, Hashable {
    case closed
    case open
    case halfOpen = "half-open"
  }

  /// Goes with a call, and comes back with its outcome: what an older phase let pass says nothing about this one.
  package struct Permit: Sendable, Hashable {
    fileprivate let generation: UInt64
    /// Whether the call is one that tells if the peer is back.
    package let isProbe: Bool
  }

  private enum State: Hashable {
    /// Can turn into open.
    case closed(failures: Int)
    /// Can turn into half-open.
    case open(until: Instant)
    /// One probe at a time. Can turn into closed, open.
    case halfOpen(successes: Int, isProbing: Bool)
  }

  private let settings: Settings
  private var state = State.closed(failures: 0)
  private var pause: Duration
  private var generation: UInt64 = 0
  /// How often it has opened.
  package private(set) var openings: UInt64 = 0

  package init(_ settings: Settings) {
    self.settings = settings
    pause = settings.pause
  }

  package var phase: Phase {
    switch state {
    case .closed: .closed
    case .open: .open
    case .halfOpen: .halfOpen
    }
  }

  /// A call wants to go out. Nil when it is to be refused.
  package mutating func admit(now: Instant) -> Permit? {
    switch state {
    case .closed:
      return Permit(generation: generation, isProbe: false)
    case .open(let until):
      guard now >= until else { return nil }
      enter(.halfOpen(successes: 0, isProbing: true))
    case .halfOpen(_, isProbing: true):
      return nil
    case .halfOpen(let successes, isProbing: false):
      state = .halfOpen(successes: successes, isProbing: true)
    }
    return Permit(generation: generation, isProbe: true)
  }

  /// A call was answered.
  package mutating func succeeded(_ permit: Permit) {
    guard permit.generation == generation else { return }
    switch state {
    case .closed:
      state = .closed(failures: 0)
    case .halfOpen(let successes, _):
      guard successes + 1 >= settings.probes else {
        state = .halfOpen(successes: successes + 1, isProbing: false)
        return
      }
      pause = settings.pause
      enter(.closed(failures: 0))
    // Calls of this generation went out before it opened, and opening began the next one.
    case .open:
      break
    }
  }

  /// A call came to nothing through the peer's fault: no answer in time, no connection, overload.
  package mutating func failed(_ permit: Permit, now: Instant) {
    guard permit.generation == generation else { return }
    switch state {
    case .closed(let failures):
      guard failures + 1 >= settings.failures else {
        state = .closed(failures: failures + 1)
        return
      }
      open(now: now)
    case .halfOpen:
      pause = min(pause * 2, settings.longestPause)
      open(now: now)
    case .open:
      break
    }
  }

  /// A call was withdrawn by its caller, which says nothing about the peer.
  package mutating func withdrawn(_ permit: Permit) {
    guard permit.generation == generation, permit.isProbe, case .halfOpen(let successes, _) = state else {
      return
    }
    state = .halfOpen(successes: successes, isProbing: false)
  }

  /// The connection is there again: worth a probe at once.
  package mutating func reconnected() {
    guard case .open = state else { return }
    enter(.halfOpen(successes: 0, isProbing: false))
  }

  /// How long until the next probe may go out; nil when calls may pass.
  package func remainingPause(now: Instant) -> Duration? {
    guard case .open(let until) = state, until > now else { return nil }
    return until - now
  }

  private mutating func open(now: Instant) {
    openings += 1
    enter(.open(until: now + pause))
  }

  private mutating func enter(_ next: State) {
    generation += 1
    state = next
  }
}
