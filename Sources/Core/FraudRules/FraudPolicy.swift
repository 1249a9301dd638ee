/// What a shop takes for suspicious, and how much. The defaults suit a small shop; `problems()` checks
/// changed ones.
package struct FraudPolicy: Sendable, Hashable {
  /// From this score on an order is marked for a person to look at; it passes nevertheless. 1 … 1,000.
  package var reviewScore = 40
  /// From this score on an order is rejected. `reviewScore` … 1,000.
  package var rejectScore = 80
  /// Scores that differ from the default ones, 0 … 1,000. 0 switches a rule off.
  package var scores: [FraudRuleCode: Int] = [:]

  /// Domains of throw-away mail, in small letters; subdomains count too.
  package var disposableDomains = knownDisposableDomains
  /// Addresses that may not order, in small letters.
  package var blockedEmails: Set<String> = []
  /// Domains whose addresses may not order, in small letters; subdomains count too.
  package var blockedDomains: Set<String> = []
  /// Where cards come from; empty when that is not known.
  package var cardRanges = CardRanges()

  /// More of one SKU than this is unusual. At least 1.
  package var usualQuantity = 50
  /// More in one order than this is unusual. At least `usualQuantity`.
  package var usualTotalQuantity = 200

  /// Amounts from which `amount_high`, `amount_very_high` and `amount_over_limit` apply, in **whole** units
  /// of the catalog's currency (euros, not cents). Positive, and each at least the one before.
  package var highAmount: Int64 = 1_000
  package var veryHighAmount: Int64 = 5_000
  package var amountLimit: Int64 = 20_000
  /// An item of this price, in whole units, is costly: easy to sell on. Positive.
  package var costlyPrice: Int64 = 200
  /// From this many costly items on an order looks as if it were to be sold on. At least 2.
  package var costlyQuantity = 3

  /// A customer with so many approved orders is known. 1 … 1,000.
  package var knownOrders = 3
  /// … and the first of them is at least so old: a fraudster can place three small orders in a minute.
  package var knownAge: Duration = .seconds(7 * 86_400)
  /// An amount is unlike a known customer's history when it is more than so many times the usual one, and more
  /// than the largest so far. 2 … 1,000.
  package var unusualFactor: Int64 = 5

  /// Limits that differ from the default ones.
  package var limits: [VelocityKind: VelocityLimit] = [:]

  package init() {}

  /// Highest score of a rule, of a threshold, and of a whole assessment.
  package static let maxScore = 1_000
  /// Windows of `limits`.
  package static let windows: ClosedRange<Duration> = .seconds(60)...(.seconds(30 * 86_400))

  /// Well-known services that hand out mail addresses for minutes.
  package static let knownDisposableDomains: Set<String> = [
    "10minutemail.com", "dispostable.com", "fakeinbox.com", "getnada.com", "grr.la", "guerrillamail.com",
    "guerrillamail.net", "mailinator.com", "maildrop.cc", "mintemail.com", "mohmal.com", "sharklasers.com",
    "temp-mail.org", "tempail.com", "throwawaymail.com", "trashmail.com", "yopmail.com",
  ]

  package func score(of code: FraudRuleCode) -> Int { scores[code] ?? code.defaultScore }
  package func limit(of kind: VelocityKind) -> VelocityLimit { limits[kind] ?? kind.defaultLimit }
}

/// A mistake in a policy.
package struct PolicyProblem: Sendable, Hashable, CustomStringConvertible {
  /// As in the rules file: `thresholds.reject`.
  package let key: String
  /// What would be right: `must be …, is …`.
  package let message: String

  package var description: String { "\(key): \(message)" }
}

extension FraudPolicy {
  /// What is wrong with it; empty when it can be used.
  package func problems() -> [PolicyProblem] {
    scoreProblems() + amountProblems() + velocityProblems() + listProblems()
  }

  private func scoreProblems() -> [PolicyProblem] {
    var check = PolicyCheck()
    let most = Self.maxScore
    check.require((1...most).contains(reviewScore), "thresholds.review", "1 to \(most)", "\(reviewScore)")
    check.require(
      rejectScore >= reviewScore && rejectScore <= most, "thresholds.reject",
      "thresholds.review (\(reviewScore)) to \(most)", "\(rejectScore)")
    for code in FraudRuleCode.allCases {
      guard let score = scores[code] else { continue }
      check.require((0...most).contains(score), "scores.\(code.rawValue)", "0 to \(most)", "\(score)")
    }
    return check.problems
  }

  private func amountProblems() -> [PolicyProblem] {
    var check = PolicyCheck()
    check.require(usualQuantity >= 1, "quantities.one-item", "at least 1", "\(usualQuantity)")
    check.require(
      usualTotalQuantity >= usualQuantity, "quantities.whole-order",
      "at least quantities.one-item (\(usualQuantity))", "\(usualTotalQuantity)")
    check.require(costlyQuantity >= 2, "quantities.costly-items", "at least 2", "\(costlyQuantity)")
    check.require(highAmount > 0, "amounts.high", "positive", "\(highAmount)")
    check.require(
      veryHighAmount >= highAmount, "amounts.very-high", "at least amounts.high (\(highAmount))",
      "\(veryHighAmount)")
    check.require(
      amountLimit >= veryHighAmount, "amounts.limit", "at least amounts.very-high (\(veryHighAmount))",
      "\(amountLimit)")
    check.require(costlyPrice > 0, "amounts.costly-item", "positive", "\(costlyPrice)")
    check.require((1...1_000).contains(knownOrders), "history.orders", "1 to 1000", "\(knownOrders)")
    check.require(
      knownAge >= .zero && knownAge <= .seconds(3_650 * 86_400), "history.age", "0 to 3650 days",
      "\(knownAge)")
    check.require((2...1_000).contains(unusualFactor), "history.factor", "2 to 1000", "\(unusualFactor)")
    return check.problems
  }

  private func velocityProblems() -> [PolicyProblem] {
    var check = PolicyCheck()
    for kind in VelocityKind.allCases {
      guard let limit = limits[kind] else { continue }
      check.require(
        Self.windows.contains(limit.window), "velocity.\(kind.rawValue).window", "1 minute to 30 days",
        "\(limit.window)")
      let most = VelocityLimit.most(kind.group)
      check.require(
        (1...most).contains(limit.most), "velocity.\(kind.rawValue).most", "1 to \(most)", "\(limit.most)")
    }
    return check.problems
  }

  private func listProblems() -> [PolicyProblem] {
    var check = PolicyCheck()
    for (list, domains) in [("disposable-domains", disposableDomains), ("blocked-domains", blockedDomains)] {
      for domain in domains.sorted() {
        check.require(
          isLowercase(domain) && domain.contains(".") && !domain.hasPrefix(".") && !domain.contains("@"),
          list, "domains in small letters, such as example.org", "'\(domain)'")
      }
    }
    for email in blockedEmails.sorted() {
      check.require(
        isLowercase(email) && email.contains("@"), "blocked-emails",
        "mail addresses in small letters, such as ada@example.org", "'\(email)'")
    }
    return check.problems
  }

  private func isLowercase(_ text: String) -> Bool { text == text.lowercased() && !text.contains(" ") }
}

private struct PolicyCheck {
  private(set) var problems: [PolicyProblem] = []

  mutating func require(_ condition: Bool, _ key: String, _ right: String, _ found: @autoclosure () -> String)
  {
    if !condition { problems.append(PolicyProblem(key: key, message: "must be \(right), is \(found())")) }
  }
}
