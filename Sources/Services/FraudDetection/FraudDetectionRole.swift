import CoreTime
package import DaemonKit
import FraudRules
import GRPCSupport
import JournalLog
import Logging

/// Puts the role together: events d (screen buyer) and e (screen payment).
///
/// Throws `ConfigurationError` for rules or a list that cannot be used, and for a state folder that cannot be made.
package func buildFraudDetection(
  configuration: FraudDetectionConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  // Before the files are read: what changes in between is seen as a change.
  let identities = configuration.files.identities()
  let policy = try configuration.files.policy()
  let key = try TraceKey(folder: configuration.stateFolder)
  let snapshot = MemorySnapshot(folder: configuration.stateFolder)
  var memory = FraudMemory(policy: policy, capacity: configuration.keys)
  report(snapshot.restore(into: &memory), memory, context.logger)
  let checks = FraudChecks(policy: policy, memory: memory, key: key, wall: context.clocks.wall)
  let keeper = FraudKeeper(
    checks: checks, snapshot: snapshot, configuration: configuration, identities: identities, context: context
  )
  let host = CheckHost(
    events: CheckEvents(ids: ["d", "e"], predecessors: ["e": ["d"]], needingAmount: ["e"]),
    provider: checks, faultDelay: configuration.faultDelay, context: context)
  var runtime = host.runtime(
    role: FraudDetectionConfiguration.role, service: FraudDetectionService(host: host),
    endpoint: configuration.server)
  // First to start, so last to stop: after the last order has been screened.
  runtime.services.insert(keeper, at: 0)
  runtime.onReload = { try keeper.reload() ? ["the fraud rules"] : [] }
  let hostReport = runtime.report
  runtime.report = { extend(await hostReport(), configuration, checks, keeper.current) }
  return runtime
}

private func report(_ restored: MemorySnapshot.Restored, _ memory: FraudMemory, _ logger: Logger) {
  switch restored {
  case .nothing: break
  case .memory:
    logger.info(
      "What was remembered is back.",
      metadata: ["keys": "\(memory.keys.remembered)", "customers": "\(memory.customers)"])
  case .setAside(let reason, let name):
    logger.tell(
      CheckEvent.memorySetAside,
      metadata: ["reason": "\(reason)", "file": "\(name)"])
  case .unusable(let reason):
    logger.tell(
      CheckEvent.memoryUnusable, metadata: ["reason": "\(reason)"])
  }
}

private func extend(
  _ report: RoleReport, _ configuration: FraudDetectionConfiguration, _ checks: FraudChecks,
  _ state: FraudKeeper.State
) -> RoleReport {
  var report = report
  let memory = checks.remembered.memory
  let flagged = checks.flagged
  report.details["ordersFlagged"] = StatusValue(flagged)
  report.details["rememberedKeys"] = StatusValue(memory.keys.remembered)
  report.details["evictedKeys"] = StatusValue(memory.keys.evicted)
  report.details["knownCustomers"] = StatusValue(memory.customers)
  report.details["rules"] = .text(configuration.files.rules ?? "built-in")
  report.details["rulesReadAt"] = .text(state.rulesReadAt.rfc3339)
  if let time = state.snapshotAt { report.details["snapshotAt"] = .text(time.rfc3339) }
  if flagged > 0 { report.summary += ", \(flagged) flagged for review" }
  if let refusal = state.refusal {
    report.details["rulesRefused"] = .text(refusal)
    report.summary += "; changed rules are refused: \(refusal.prefix(200))"
  }
  if let problem = state.snapshotProblem {
    report.details["snapshotProblem"] = .text(problem)
    report.summary += "; the snapshot cannot be written: \(problem)"
  }
  return report
}
