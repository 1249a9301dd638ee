import Synchronization

/// The one predicate behind watchdog, `/live`, `/ready`, the health service and the launchers' checks.
package final class RoleHealth: Sendable {
  private struct State {
    var isReady = false
    var isStopping = false
    /// Why the latest reload was refused.
    var refusal: String?
  }

  package let role: String
  private let heartbeats: Heartbeats
  private let report: @Sendable () async -> RoleReport
  private let state = Mutex(State())
  /// Resolved when the admin endpoint listens.
  let admin = Latch<Void>()

  package init(role: String, heartbeats: Heartbeats, report: @escaping @Sendable () async -> RoleReport) {
    self.role = role
    self.heartbeats = heartbeats
    self.report = report
  }

  /// Loops that do not turn; the process is live when there are none.
  package func stalled() -> [String] { heartbeats.stalled() }

  /// What keeps the role from answering; empty when it is ready.
  package func problems() async -> [String] {
    let (isReady, isStopping) = state.withLock { ($0.isReady, $0.isStopping) }
    if isStopping { return ["stopping"] }
    if !isReady { return ["starting"] }
    return heartbeats.stalled() + (await report().problems)
  }

  package func summary() async -> String {
    let summary = await report().summary
    guard let refusal = state.withLock({ $0.refusal }) else { return summary }
    return "\(summary); reload refused: \(refusal.prefix(300))"
  }

  func status() async -> StatusValue {
    let report = await report()
    let problems = await problems()
    var object = report.details
    object["role"] = .text(role)
    object["summary"] = .text(report.summary)
    object["ready"] = .boolean(problems.isEmpty)
    object["problems"] = .list(problems.map(StatusValue.text))
    return .object(object)
  }

  package func becameReady() { state.withLock { $0.isReady = true } }
  /// Nil: the latest reload is in force.
  func refused(_ reason: String?) { state.withLock { $0.refusal = reason } }
  package func beganStopping() { state.withLock { $0.isStopping = true } }
}
