package import DaemonKit
package import FraudRules
import GRPCSupport

/// The rules as a YAML file: packaging/fraud-rules.yaml shows all of them. What it leaves out has its default.
package enum RulesFile {
  static let maximumSize = 256 << 10

  /// Throws `ConfigurationError` with every mistake: file, line, key, and what would be right.
  static func read(_ path: String) throws -> FraudPolicy {
    _ = try SettingsFile.read(path, limit: maximumSize)
    let reader = SettingsReader(layers: [try .file(path)], overview: "docs/FRAUD.md")
    let policy = policy(from: reader)
    try reader.validate()
    return policy
  }

  /// Declares every key.
  package static func policy(from reader: SettingsReader) -> FraudPolicy {
    var policy = FraudPolicy()
    readThresholds(reader, &policy)
    readOrders(reader, &policy)
    readVelocity(reader, &policy)
    for code in FraudRuleCode.allCases where code.hasOwnScore {
      let score = reader.integer(
        "scores.\(code.rawValue)", default: code.defaultScore, in: 0...FraudPolicy.maxScore,
        "What this finding adds; 0 switches the rule off.")
      if score != code.defaultScore { policy.scores[code] = score }
    }
    for problem in policy.problems() { reader.report(problem.key, problem.message) }
    return policy
  }

  private static func readThresholds(_ reader: SettingsReader, _ policy: inout FraudPolicy) {
    let scores = 1...FraudPolicy.maxScore
    policy.reviewScore = reader.integer(
      "thresholds.review", default: policy.reviewScore, in: scores,
      "From this score on an order is marked for a person to look at.")
    policy.rejectScore = reader.integer(
      "thresholds.reject", default: policy.rejectScore, in: scores,
      "From this score on an order is rejected.")
  }

  private static func readOrders(_ reader: SettingsReader, _ policy: inout FraudPolicy) {
    func quantity(_ name: String, _ fallback: Int, _ purpose: String) -> Int {
      reader.integer("quantities.\(name)", default: fallback, in: 1...1_000_000, purpose)
    }
    func amount(_ name: String, _ fallback: Int64, _ purpose: String) -> Int64 {
      Int64(reader.integer("amounts.\(name)", default: Int(fallback), in: 1...1_000_000_000_000, purpose))
    }
    policy.usualQuantity = quantity(
      "one-item", policy.usualQuantity, "More of one item than this are quantity_unusual.")
    policy.usualTotalQuantity = quantity(
      "whole-order", policy.usualTotalQuantity, "More in one order than this are total_quantity_unusual.")
    policy.costlyQuantity = quantity(
      "costly-items", policy.costlyQuantity, "So many costly items are costly_goods_many.")
    policy.highAmount = amount("high", policy.highAmount, "From here on amount_high, in whole units (euros).")
    policy.veryHighAmount = amount(
      "very-high", policy.veryHighAmount, "From here on amount_very_high, in whole units.")
    policy.amountLimit = amount(
      "limit", policy.amountLimit, "From here on amount_over_limit, in whole units.")
    policy.costlyPrice = amount(
      "costly-item", policy.costlyPrice, "An item of this price is costly, in whole units.")
    policy.knownOrders = reader.integer(
      "history.orders", default: policy.knownOrders, in: 1...1_000,
      "A customer with so many approved orders is known …")
    policy.knownAge = reader.duration(
      "history.age", default: policy.knownAge, in: .zero...(.seconds(3_650 * 86_400)),
      "… once the first of them is so old.")
    policy.unusualFactor = Int64(
      reader.integer(
        "history.factor", default: Int(policy.unusualFactor), in: 2...1_000,
        "So many times what a known customer usually spends is amount_unlike_history."))
  }

  private static func readVelocity(_ reader: SettingsReader, _ policy: inout FraudPolicy) {
    for kind in VelocityKind.allCases {
      let usual = kind.defaultLimit
      var limit = usual
      limit.window = reader.duration(
        "velocity.\(kind.rawValue).window", default: usual.window, in: FraudPolicy.windows,
        "How long an order counts for \(kind.code.rawValue).")
      limit.most = reader.integer(
        "velocity.\(kind.rawValue).most", default: usual.most, in: 1...VelocityLimit.most(kind.group),
        "More than this within the window are suspicious.")
      if limit != usual { policy.limits[kind] = limit }
    }
  }
}
