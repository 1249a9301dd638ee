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
}
