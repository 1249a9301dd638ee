package import CoreTime

/// The life of one supervised process, as a pure machine: what systemd does for a unit with `Type=notify`,
/// `Restart=always` and `WatchdogSec=`, for `ordersd up`.
package struct ChildSupervision: Sendable {
  package enum State: Sendable, Hashable {
    /// Nothing has been started. Can turn into launching, stopped.
    case idle
    /// Asked for, its pid not known yet. Can turn into starting, stopping, waiting, stopped.
    case launching(mustStop: Bool)
    /// Runs, has not said READY=1, for which it has time up to and including `until`. Can turn into ready,
    /// aborting, stopping, waiting, stopped.
    case starting(pid: Int32, since: Instant, until: Instant)
    /// Answers. Can turn into aborting, stopping, waiting, stopped.
    case ready(pid: Int32, since: Instant, lastPing: Instant)
    /// Hung; SIGABRT was sent, SIGKILL follows. Can turn into stopping, waiting, stopped.
    case aborting(pid: Int32, since: Instant)
    /// SIGTERM was sent, SIGKILL follows. Can turn into stopped.
    case stopping(pid: Int32, since: Instant)
    /// Died; is started again at `until`. Can turn into launching, stopped.
    case waiting(until: Instant)
    /// Final.
    case stopped
  }

  package enum Input: Sendable, Hashable {
    case launch
    case started(pid: Int32)
    case notified(NotifyMessage)
    case exited(ExitReason)
    /// Time went by. Comes several times a second, unless nobody watched (`longestTick`).
    case tick
    case stop
    /// Stop at once.
    case kill
  }

  package enum GiveUp: Sendable, Hashable {
    /// It ended before it had ever been ready, or because of its settings.
    case exited(ExitReason)
    /// It was not ready in time, the first time; `within`: its time, with what it had asked for.
    case notReady(within: Duration)
  }

  package enum Effect: Sendable, Hashable {
    case spawn
    case signal(pid: Int32, Int32)
    case becameReady(pid: Int32, after: Duration)
    /// Why a signal is sent to a process that hangs.
    case unresponsive(silentFor: Duration)
    case died(ExitReason, restartIn: Duration)
    case gaveUp(GiveUp)
  }

  package struct Limits: Sendable {
    /// From the start to READY=1, unless it asks for more (`EXTEND_TIMEOUT_USEC=`).
    package var start: Duration = .seconds(30)
    /// Longest silence of a process that is ready.
    package var watchdog: Duration = .seconds(10)
    /// From SIGABRT to SIGKILL. Short, because the Swift backtracer swallows the first SIGABRT from outside.
    package var abort: Duration = .seconds(2)
    /// From SIGTERM to SIGKILL.
    package var stop: Duration = .seconds(5)
    /// From the first death to the next start.
    package var restart: Duration = RestartBackoff.first
    /// What that grows to with further deaths, at most.
    package var longestRestart: Duration = RestartBackoff.longest

    package init() {}
  }

  package private(set) var state = State.idle
  /// How many times it was started again.
  package private(set) var restarts = 0
  private var hasBeenReady = false
  private var lastTick: Instant?
  private var backoff: RestartBackoff
  private let limits: Limits

  package init(limits: Limits = Limits()) {
    self.limits = limits
    backoff = RestartBackoff(first: limits.restart, longest: limits.longestRestart)
  }

  /// Of the process that runs now.
  package var pid: Int32? {
    switch state {
    case .starting(let pid, _, _), .ready(let pid, _, _), .aborting(let pid, _), .stopping(let pid, _): pid
    case .idle, .launching, .waiting, .stopped: nil
    }
  }

  package var isReady: Bool { if case .ready = state { true } else { false } }

  /// Nothing runs and nothing will.
  package var isGone: Bool { state == .stopped || state == .idle }

  package mutating func step(_ input: Input, now: Instant) -> [Effect] {
    passOverGap(now)
    switch input {
    case .launch: return launch()
    case .started(let pid): return started(pid, now)
    case .notified(let message): return notified(message, now)
    case .exited(let reason): return exited(reason, now)
    case .tick:
      lastTick = now
      return tick(now)
    case .stop: return stop(now)
    case .kill: return kill(now)
    }
  }

  /// The machine was suspended, or the supervisor stopped: that time is nobody's silence.
  private mutating func passOverGap(_ now: Instant) {
    guard let lastTick, now - lastTick > Self.longestTick else { return }
    let gap = now - lastTick
    self.lastTick = now
    switch state {
    case .starting(let pid, let since, let until):
      state = .starting(pid: pid, since: since + gap, until: until + gap)
    case .ready(let pid, let since, let lastPing):
      state = .ready(pid: pid, since: since, lastPing: lastPing + gap)
    case .idle, .launching, .aborting, .stopping, .waiting, .stopped: break
    }
  }

  private mutating func launch() -> [Effect] {
    guard state == .idle else { return [] }
    state = .launching(mustStop: false)
    return [.spawn]
  }

  private mutating func started(_ pid: Int32, _ now: Instant) -> [Effect] {
    guard case .launching(let mustStop) = state else { return [] }
    if mustStop {
      state = .stopping(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigterm)]
    }
    state = .starting(pid: pid, since: now, until: now + limits.start)
    return []
  }

  private mutating func notified(_ message: NotifyMessage, _ now: Instant) -> [Effect] {
    switch state {
    case .starting(let pid, let since, _) where message.isReady:
      state = .ready(pid: pid, since: now, lastPing: now)
      hasBeenReady = true
      return [.becameReady(pid: pid, after: now - since)]
    case .starting(let pid, let since, let until):
      // It can only extend its time, as with systemd.
      guard let extend = message.extend else { return [] }
      state = .starting(pid: pid, since: since, until: max(until, now + extend))
      return []
    case .ready(let pid, let since, let lastPing):
      // A ready process may also have gone into its own graceful stop: it goes on pinging until it exits.
      state = .ready(pid: pid, since: since, lastPing: message.isAlive ? now : lastPing)
      return []
    case .idle, .launching, .aborting, .stopping, .waiting, .stopped: return []
    }
  }

  private mutating func exited(_ reason: ExitReason, _ now: Instant) -> [Effect] {
    var readyFor = Duration.zero
    switch state {
    case .idle, .waiting, .stopped: return []
    case .launching(mustStop: true), .stopping:
      state = .stopped
      return []
    case .ready(_, let since, _): readyFor = now - since
    case .launching, .starting, .aborting: break
    }
    guard hasBeenReady, reason != .exited(ExitReason.configurationError) else {
      state = .stopped
      return [.gaveUp(.exited(reason))]
    }
    let delay = backoff.delay(readyFor: readyFor)
    state = .waiting(until: now + delay)
    return [.died(reason, restartIn: delay)]
  }

  private mutating func tick(_ now: Instant) -> [Effect] {
    switch state {
    case .starting(let pid, let since, let until) where now > until:
      if hasBeenReady {
        state = .aborting(pid: pid, since: now)
        return [.unresponsive(silentFor: now - since), .signal(pid: pid, Self.sigabrt)]
      }
      state = .stopping(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigkill), .gaveUp(.notReady(within: until - since))]
    case .ready(let pid, _, let lastPing) where now - lastPing > limits.watchdog:
      state = .aborting(pid: pid, since: now)
      return [.unresponsive(silentFor: now - lastPing), .signal(pid: pid, Self.sigabrt)]
    case .aborting(let pid, let since) where now - since > limits.abort:
      state = .aborting(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigkill)]
    case .stopping(let pid, let since) where now - since > limits.stop:
      state = .stopping(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigkill)]
    case .waiting(let until) where now >= until:
      state = .launching(mustStop: false)
      restarts += 1
      return [.spawn]
    case .idle, .launching, .starting, .ready, .aborting, .stopping, .waiting, .stopped: return []
    }
  }

  private mutating func stop(_ now: Instant) -> [Effect] {
    switch state {
    case .idle, .waiting: state = .stopped
    case .launching: state = .launching(mustStop: true)
    case .starting(let pid, _, _), .ready(let pid, _, _):
      state = .stopping(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigterm)]
    case .aborting(let pid, _):
      // It did not react to anything any more.
      state = .stopping(pid: pid, since: now)
      return [.signal(pid: pid, Self.sigkill)]
    case .stopping, .stopped: break
    }
    return []
  }

  private mutating func kill(_ now: Instant) -> [Effect] {
    guard let pid else { return stop(now) }
    state = .stopping(pid: pid, since: now)
    return [.signal(pid: pid, Self.sigkill)]
  }

  /// When two ticks are further apart, nobody watched between them.
  private static let longestTick = Duration.seconds(1)
  private static let sigabrt: Int32 = 6
  private static let sigkill: Int32 = 9
  private static let sigterm: Int32 = 15
}
