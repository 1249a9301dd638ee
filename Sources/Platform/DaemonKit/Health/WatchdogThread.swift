import CoreTime
import Dispatch
import JournalLog
import Logging
import Synchronization
import SystemdSupport

/// The thread that judges the heartbeats and speaks to the service manager. It waits for nothing but the clock, so no
/// loop, no task and no disk can keep it from saying what is wrong.
final class WatchdogThread: Sendable {
  private let heartbeats: Heartbeats
  private let logger: Logger
  private let period: Duration
  private let notify: @Sendable (ServiceManager.Notification) -> Bool
  /// The latest line for `systemctl status`; nil before the first.
  private let line = Mutex<String?>(nil)
  private let ended = DispatchSemaphore(value: 0)

  /// `period`: from one ping to the next.
  init(
    heartbeats: Heartbeats, logger: Logger, period: Duration,
    notify: @escaping @Sendable (ServiceManager.Notification) -> Bool
  ) {
    self.heartbeats = heartbeats
    self.logger = logger
    self.period = period
    self.notify = notify
  }

  /// Throws `WatchdogError` when the machine gives no thread.
  func start() throws {
    let result = DetachedThread.start { self.run() }
    guard result == 0 else { throw WatchdogError(errno: result) }
  }

  /// Does not wait for the thread, which may be in the middle of a ping.
  func end() { ended.signal() }

  /// What to show from now on while all is well.
  func show(_ text: String) { line.withLock { $0 = text } }

  private func run() {
    var judge = WatchdogJudge(period: period)
    var shown = ""
    var wait = period
    repeat {
      let verdict = judge.turn(heartbeats.stalled(), now: Clocks.system.now())
      if verdict.mayPing { _ = notify(.watchdog) }
      // Before the journal, which may take its time.
      let text = verdict.problem ?? line.withLock { $0 }
      if !verdict.isPutOff, let text, text != shown, notify(.status(text)) { shown = text }
      switch verdict.news {
      case .stalled(let loops): logger.tell(DaemonEvent.loopStalled, metadata: ["loops": "\(loops)"])
      case .turning: logger.tell(DaemonEvent.loopsTurn)
      case nil: break
      }
      wait = verdict.isPutOff ? min(period, WatchdogJudge.graceAfterPause) : period
    } while ended.wait(timeout: .now() + .nanoseconds(Int(wait.nanosecondsClamped))) == .timedOut
  }
}

/// What the watchdog's thread makes of the heartbeats.
struct WatchdogJudge {
  struct Verdict: Equatable {
    enum News: Equatable {
      case stalled(String)
      case turning
    }

    var mayPing = false
    /// Stands in the status line in place of the summary.
    var problem: String?
    /// For the journal: once when a stall begins and once when it is over.
    var news: News?
    /// The process has only just gone on after a pause; the loops are given time to come round.
    var isPutOff = false
  }

  /// More than the loops take that beat most often.
  static let graceAfterPause = Duration.milliseconds(1_200)

  private let period: Duration
  private var wasStalled = false
  private var last: Instant?

  init(period: Duration) { self.period = period }

  mutating func turn(_ stalled: [String], now: Instant) -> Verdict {
    let wasPaused = last.map { now - $0 > period * 2 } ?? false
    last = now
    guard !stalled.isEmpty else {
      defer { wasStalled = false }
      return Verdict(mayPing: true, news: wasStalled ? .turning : nil)
    }
    // The thread has been silent as well: then it was the machine, or a signal, and not the loops.
    if wasPaused, !wasStalled { return Verdict(isPutOff: true) }
    let names = stalled.joined(separator: ", ")
    defer { wasStalled = true }
    return Verdict(problem: "stalled: \(names)", news: wasStalled ? nil : .stalled(names))
  }
}

/// The watchdog's thread could not be started.
struct WatchdogError: Error, CustomStringConvertible {
  let errno: Int32
  var description: String { "the watchdog's thread could not be started (error \(errno), pthread_create(3))" }
}
