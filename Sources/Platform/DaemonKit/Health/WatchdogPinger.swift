package import Logging
import ServiceLifecycle
package import SystemdSupport

/// Pings the service manager's watchdog, but only while every loop of the process turns.
///
/// What a stalled loop may hold up is only the refreshing of the status line: pings, the naming of the loop and its
/// entry in the journal come from a thread of their own (ADR 0024).
package struct WatchdogPinger: Service {
  private let thread: WatchdogThread
  private let status: @Sendable () async -> String
  private let period: Duration

  /// `status`: the line for `systemctl status`, sent with a ping.
  package init(
    manager: ServiceManager, heartbeats: Heartbeats, logger: Logger,
    status: @escaping @Sendable () async -> String
  ) {
    // Three pings in each interval: one may be late and one lost.
    let period = manager.watchdogInterval().map { min($0 / 3, .seconds(2)) } ?? .seconds(2)
    self.init(heartbeats: heartbeats, logger: logger, period: period, status: status) { notification in
      manager.notify(notification)
    }
  }

  init(
    heartbeats: Heartbeats, logger: Logger, period: Duration, status: @escaping @Sendable () async -> String,
    notify: @escaping @Sendable (ServiceManager.Notification) -> Bool
  ) {
    self.period = period
    self.status = status
    thread = WatchdogThread(heartbeats: heartbeats, logger: logger, period: period, notify: notify)
  }

  package func run() async throws {
    try thread.start()
    defer { thread.end() }
    // First to start, so last to be told to stop: it goes on while the others drain.
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        thread.show(await status())
        try? await Task.sleep(for: period / 2)
      }
    }
  }
}
