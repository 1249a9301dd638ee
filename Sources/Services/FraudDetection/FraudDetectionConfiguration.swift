package import DaemonKit
package import FraudRules
import GRPCSupport

/// The settings of the role `fraud-detection`.
package struct FraudDetectionConfiguration: Sendable {
  static let role = "fraud-detection"

  /// gRPC.
  package var server: NetworkEndpoint
  /// HTTP, for operators.
  package var admin: NetworkEndpoint
  package var faultDelay: Duration
  /// Without the entries of the two files.
  package var policy: FraudPolicy
  /// How long an order counts for `velocity_exceeded`.
  package var velocityWindow: Duration
  /// Addresses and domains that may not order.
  package var blockList: String?
  /// Domains of throw-away mail, beyond those that are known here.
  package var disposableDomains: String?

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader) {
    let role = Self.role
    let settings = CheckRoleSettings(role: role, defaultPort: 50_051, reader: reader)
    server = settings.server
    admin = settings.admin
    faultDelay = settings.faultDelay
    policy = Self.policy(reader)
    velocityWindow = reader.duration(
      "\(role).velocity-window", default: .seconds(600), in: .seconds(1)...(.seconds(86_400)),
      "How long an order counts against its card and its mail address.")
    blockList = reader.optionalString(
      "\(role).block-list", "Path of a list of mail addresses and domains that may not order, one a line.")
    disposableDomains = reader.optionalString(
      "\(role).disposable-domains",
      "Path of a list of throw-away mail domains, one a line, beyond the built-in ones.")
  }

  private static func policy(_ reader: SettingsReader) -> FraudPolicy {
    var policy = FraudPolicy()
    func integer(_ name: String, _ fallback: Int, upTo most: Int, _ purpose: String) -> Int {
      reader.integer("\(role).\(name)", default: fallback, in: 1...most, purpose)
    }
    policy.reviewScore = integer(
      "review-score", policy.reviewScore, upTo: FraudPolicy.maxScore,
      "Risk score from which an order is marked.")
    policy.rejectScore = integer(
      "reject-score", policy.rejectScore, upTo: FraudPolicy.maxScore,
      "Risk score from which an order is rejected.")
    policy.usualQuantity = integer(
      "usual-quantity", policy.usualQuantity, upTo: 1_000_000, "More of one SKU than this is suspicious.")
    policy.usualTotalQuantity = integer(
      "usual-total-quantity", policy.usualTotalQuantity, upTo: 1_000_000,
      "More items in one order than this are suspicious.")
    policy.usualOrders = integer(
      "usual-orders", policy.usualOrders, upTo: 1_000_000,
      "More orders by one card or address within the velocity window than this are suspicious.")
    let amounts = 1_000_000_000_000
    policy.highAmount = Int64(
      integer(
        "high-amount", Int(policy.highAmount), upTo: amounts,
        "High amount of an order, in whole units (euros)."))
    policy.veryHighAmount = Int64(
      integer(
        "very-high-amount", Int(policy.veryHighAmount), upTo: amounts,
        "Very high amount of an order, in whole units (euros)."))
    policy.amountLimit = Int64(
      integer(
        "amount-limit", Int(policy.amountLimit), upTo: amounts,
        "Amount from which an order scores as rejected, in whole units (euros)."))
    for problem in policy.problems() {
      let property = problem.prefix { $0 != ":" }
      reader.report("\(role).\(kebab(property))", String(problem.dropFirst(property.count + 2)))
    }
    return policy
  }
}

/// `highAmount` as `high-amount`.
private func kebab(_ name: some StringProtocol) -> String {
  name.map { $0.isUppercase ? "-\($0.lowercased())" : String($0) }.joined()
}
