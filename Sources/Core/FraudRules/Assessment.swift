package import OrderDomain

/// How suspicious an order is, and why.
package struct Assessment: Sendable, Hashable, Codable {
  /// The sum of the findings' scores, at most `FraudPolicy.maxScore`.
  package let score: Int
  /// Every one with the score that it adds, in the order of the rules.
  package let findings: [Finding]
  package let verdict: Verdict

  package enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    case pass
    /// Suspicious, not enough to reject: the order goes on, marked for a person.
    case review
    case reject
  }

  package init(findings: [Finding], policy: FraudPolicy) {
    // Scores below zero could buy a rejected order off; sums are capped step by step so that none overflows.
    let sum = findings.reduce(0) { sum, finding in
      min(sum + min(max(finding.score, 0), FraudPolicy.maxScore), FraudPolicy.maxScore)
    }
    score = sum
    self.findings = findings
    verdict = sum >= policy.rejectScore ? .reject : sum >= policy.reviewScore ? .review : .pass
  }

  /// The mark of an order that a person should look at, with what led to it; nil unless the verdict is `review`.
  /// `buyer`: what event d found, whose findings stand here as one.
  package func reviewFlag(buyer: Assessment?) -> Finding? {
    guard verdict == .review else { return nil }
    let reasons = findings.flatMap { finding in
      finding.code == FraudRuleCode.buyerSuspicious.rawValue ? buyer?.findings ?? [finding] : [finding]
    }
    let list = reasons.map { "\($0.code) \($0.score)" }.joined(separator: ", ")
    return Finding(
      code: FraudRuleCode.flaggedForReview, field: "",
      message: "A person should look at this order; it scored \(score): \(list).")
  }

  /// The findings with the weightiest first, since the first is given as the reason; equal ones stay in order.
  package var ranked: [Finding] {
    findings.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
      .map(\.element)
  }
}
