package import DaemonKit
import GRPCSupport
import OrderDomain
import TransactionRules

/// Puts the role together: events a (verify items), b (verify buyer) and c (verify payment card).
///
/// Throws `ConfigurationError` for a catalog that cannot be used.
package func buildTransactionVerification(
  configuration: TransactionVerificationConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  let rules = TransactionRules(catalog: try CatalogFile.load(path: configuration.catalog))
  let host = CheckHost(
    events: CheckEvents(ids: ["a", "b", "c"], predecessors: ["c": ["a"]]),
    provider: TransactionChecks(rules: rules), faultDelay: configuration.faultDelay, context: context)
  return host.runtime(
    role: TransactionVerificationConfiguration.role, service: TransactionVerificationService(host: host),
    endpoint: configuration.server)
}

/// The rules of `TransactionRules` by event.
struct TransactionChecks: CheckProvider {
  let rules: TransactionRules

  func verdict(on event: String, of check: CheckInput) -> EventVerdict {
    let findings =
      switch event {
      case "a": rules.verifyItems(check.order)
      case "b": rules.verifyBuyer(check.order)
      case "c": rules.verifyCard(check.order.payment.card, now: check.wall)
      default: preconditionFailure("the host lets no other event through than those of CheckEvents")
      }
    return EventVerdict(passed: findings.isEmpty, findings: findings)
  }
}
