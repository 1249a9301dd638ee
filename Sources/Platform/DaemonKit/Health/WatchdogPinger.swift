import JournalLog
package import Logging
import ServiceLifecycle
package import SystemdSupport

/// Pings the service manager's watchdog, but only while every loop of the process turns.
package struct WatchdogPinger: Service {
  private let manager: ServiceManager
  private let heartbeats: Heartbeats
  private let status: @Sendable () async -> String
  private let logger: Logger
  private let period: Duration

  /// `status`: the line for `systemctl status`, sent with each ping.
  package init(
    manager: ServiceManager, heartbeats: Heartbeats, logger: Logger,
    status: @escaping @Sendable () async -> String
  ) {
    self.manager = manager
    self.heartbeats = heartbeats
    self.logger = logger
    self.status = status
    // Three pings in each interval: one may be late and one lost.
    period = manager.watchdogInterval().map { min($0 / 3, .seconds(2)) } ?? .seconds(2)
  }

  package func run() async throws {
    // First to start, so last to be told to stop: it goes on pinging while the others drain.
    await cancelWhenGracefulShutdown {
      var lastStatus = ""
      var wasStalled = false
      while !Task.isCancelled {
        let stalled = heartbeats.stalled()
        if stalled.isEmpty { manager.notify(.watchdog) }
        if stalled.isEmpty == wasStalled {
          wasStalled.toggle()
          tell(stalled)
        }
        let line = stalled.isEmpty ? await status() : "stalled: \(stalled.joined(separator: ", "))"
        if line != lastStatus, manager.notify(.status(line)) { lastStatus = line }
        try? await Task.sleep(for: period)
      }
    }
  }

  /// Once when it begins and once when it is over.
  private func tell(_ stalled: [String]) {
    guard !stalled.isEmpty else { return logger.tell(DaemonEvent.loopsTurn) }
    logger.tell(DaemonEvent.loopStalled, metadata: ["loops": "\(stalled.joined(separator: ", "))"])
  }
}
