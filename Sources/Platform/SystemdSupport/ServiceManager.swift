import CSystemd
import KernelCalls

/// The service manager that started this process, spoken to through libsystemd (sd_notify(3), sd_watchdog_enabled(3)).
///
/// Outside a service manager (no `NOTIFY_SOCKET`) every call does nothing and says so by returning false.
package struct ServiceManager: Sendable {
  /// What a daemon can tell its service manager.
  package enum Notification: Sendable, Hashable {
    /// It answers now.
    case ready
    /// It has begun to stop.
    case stopping
    /// It has begun to read its settings again; `ready` ends it.
    case reloading
    /// One line for `systemctl status`; line breaks become spaces.
    case status(String)
    /// It is alive.
    case watchdog
    /// It needs this much longer to start or to stop.
    case extendTimeout(Duration)
    /// The process that is to be supervised, when it is not the sender.
    case mainPID(Int32)
  }

  /// The socket named by `NOTIFY_SOCKET`, if any.
  package let notifySocket: String?

  /// `environment` is the process's own.
  package init(environment: [String: String]) {
    notifySocket = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
  }

  package var isPresent: Bool { notifySocket != nil }

  /// Sends all of `notifications` in one datagram. False when there is no service manager or it could not be reached.
  @discardableResult
  package func notify(_ notifications: Notification...) -> Bool {
    guard isPresent else { return false }
    let text = notifications.map(assignment).joined(separator: "\n")
    return sd_notify(0, text) > 0
  }

  /// How often the watchdog wants to hear from this process at the least; nil when there is none for it.
  package func watchdogInterval() -> Duration? {
    var microseconds: UInt64 = 0
    guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
    return .microseconds(Int64(clamping: microseconds))
  }

  /// CLOCK_MONOTONIC, by which systemd knows that READY=1 belongs to this reload (sd_notify(3)).
  private static func monotonicMicroseconds() -> Int64 {
    KernelClock.monotonic.nanoseconds / 1_000
  }

  private func assignment(_ notification: Notification) -> String {
    switch notification {
    case .ready: "READY=1"
    case .stopping: "STOPPING=1"
    case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Self.monotonicMicroseconds())"
    case .status(let line): "STATUS=" + String(line.map { $0.isNewline ? " " : $0 })
    case .watchdog: "WATCHDOG=1"
    case .extendTimeout(let duration):
      "EXTEND_TIMEOUT_USEC=\(duration.components.seconds * 1_000_000)"
    case .mainPID(let pid): "MAINPID=\(pid)"
    }
  }
}
