import ServiceLifecycle
package import SystemdSupport

/// Pings the service manager's watchdog, but only while every loop of the process turns.
package struct WatchdogPinger: Service {
  private let manager: ServiceManager
  private let heartbeats: Heartbeats
  private let status: @Sendable () async -> String
  private let period: Duration

  /// `status`: the line for `systemctl status`, sent with each ping.
  package init(
    manager: ServiceManager, heartbeats: Heartbeats, status: @escaping @Sendable () async -> String
  ) {
    self.manager = manager
    self.heartbeats = heartbeats
    self.status = status
    // Three pings in each interval: one may be late and one lost.
    period = manager.watchdogInterval().map { min($0 / 3, .seconds(2)) } ?? .seconds(2)
  }

  package func run() async throws {
    // First to start, so last to be told to stop: it goes on pinging while the others drain.
    await cancelWhenGracefulShutdown {
      var lastStatus = ""
      while !Task.isCancelled {
        let stalled = heartbeats.stalled()
        if stalled.isEmpty { manager.notify(.watchdog) }
        let line = stalled.isEmpty ? await status() : "stalled: \(stalled.joined(separator: ", "))"
        if line != lastStatus, manager.notify(.status(line)) { lastStatus = line }
        try? await Task.sleep(for: period)
      }
    }
  }
}
