package import DaemonKit
import FraudRules
import GRPCSupport

/// Puts the role together: events d (screen buyer) and e (screen payment).
///
/// Throws `ConfigurationError` for a list that cannot be used.
package func buildFraudDetection(
  configuration: FraudDetectionConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  var policy = configuration.policy
  if let path = configuration.blockList {
    let list = try FraudLists(path: path)
    policy.blockedEmails.formUnion(list.emails)
    policy.blockedDomains.formUnion(list.domains)
  }
  if let path = configuration.disposableDomains {
    let list = try FraudLists(path: path)
    if let email = list.emails.min() {
      throw ConfigurationError(["\(path): '\(email)' is a mail address; this list holds domains only"])
    }
    policy.disposableDomains.formUnion(list.domains)
  }
  let host = CheckHost(
    events: CheckEvents(ids: ["d", "e"], predecessors: ["e": ["d"]], needingAmount: ["e"]),
    provider: FraudChecks(policy: policy, velocityWindow: configuration.velocityWindow),
    faultDelay: configuration.faultDelay, context: context)
  return host.runtime(
    role: FraudDetectionConfiguration.role, service: FraudDetectionService(host: host),
    endpoint: configuration.server)
}
