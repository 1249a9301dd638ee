/// What a shop takes for suspicious, and how much. The defaults suit a small shop; `problems()` checks
/// changed ones.
package struct FraudPolicy: Sendable, Hashable {
  /// From this score on an order is marked for a person to look at; it passes nevertheless. 1 … 1,000.
  package var reviewScore: Int
  /// From this score on an order is rejected. `reviewScore` … 1,000.
  package var rejectScore: Int
  /// Scores that differ from the default ones, 0 … 1,000. 0 switches a rule off.
  package var scores: [FraudRuleCode: Int]

  /// Domains of throw-away mail, in small letters; subdomains count too.
  package var disposableDomains: Set<String>
  /// Addresses that may not order, in small letters.
  package var blockedEmails: Set<String>
  /// Domains whose addresses may not order, in small letters; subdomains count too.
  package var blockedDomains: Set<String>

  /// More of one SKU than this is unusual. At least 1.
  package var usualQuantity: Int
  /// More in one order than this is unusual. At least `usualQuantity`.
  package var usualTotalQuantity: Int

  /// Amounts from which `amount_high`, `amount_very_high` and `amount_over_limit` apply, in **whole** units
  /// of the catalog's currency (euros, not cents). Positive, and each at least the one before.
  package var highAmount: Int64
  package var veryHighAmount: Int64
  package var amountLimit: Int64

  /// More orders with one card or from one address within the velocity window than this are suspicious. At
  /// least 1.
  package var usualOrders: Int

  package init(
    reviewScore: Int = 40, rejectScore: Int = 80, scores: [FraudRuleCode: Int] = [:],
    disposableDomains: Set<String> = knownDisposableDomains, blockedEmails: Set<String> = [],
    blockedDomains: Set<String> = [], usualQuantity: Int = 50, usualTotalQuantity: Int = 200,
    highAmount: Int64 = 1_000, veryHighAmount: Int64 = 5_000, amountLimit: Int64 = 20_000,
    usualOrders: Int = 5
  ) {
    self.reviewScore = reviewScore
    self.rejectScore = rejectScore
    self.scores = scores
    self.disposableDomains = disposableDomains
    self.blockedEmails = blockedEmails
    self.blockedDomains = blockedDomains
    self.usualQuantity = usualQuantity
    self.usualTotalQuantity = usualTotalQuantity
    self.highAmount = highAmount
    self.veryHighAmount = veryHighAmount
    self.amountLimit = amountLimit
    self.usualOrders = usualOrders
  }

  /// Highest score of a rule, of a threshold, and of a whole assessment.
  package static let maxScore = 1_000

  /// Well-known services that hand out mail addresses for minutes.
  package static let knownDisposableDomains: Set<String> = [
    "10minutemail.com", "dispostable.com", "fakeinbox.com", "getnada.com", "grr.la", "guerrillamail.com",
    "guerrillamail.net", "mailinator.com", "maildrop.cc", "mintemail.com", "mohmal.com", "sharklasers.com",
    "temp-mail.org", "tempail.com", "throwawaymail.com", "trashmail.com", "yopmail.com",
  ]

  package func score(of code: FraudRuleCode) -> Int { scores[code] ?? code.defaultScore }

  /// What is wrong with it, one sentence each, naming the setting; empty when it can be used.
  package func problems() -> [String] {
    var problems: [String] = []
    func require(_ condition: Bool, _ problem: @autoclosure () -> String) {
      if !condition { problems.append(problem()) }
    }
    require((1...Self.maxScore).contains(reviewScore), "reviewScore: must be 1 to 1000, is \(reviewScore)")
    require(
      rejectScore >= reviewScore && rejectScore <= Self.maxScore,
      "rejectScore: must be reviewScore (\(reviewScore)) to 1000, is \(rejectScore)")
    for code in FraudRuleCode.allCases {
      guard let score = scores[code] else { continue }
      require((0...Self.maxScore).contains(score), "scores.\(code.rawValue): must be 0 to 1000, is \(score)")
    }
    require(usualQuantity >= 1, "usualQuantity: must be at least 1, is \(usualQuantity)")
    require(
      usualTotalQuantity >= usualQuantity,
      "usualTotalQuantity: must be at least usualQuantity (\(usualQuantity)), is \(usualTotalQuantity)")
    require(highAmount > 0, "highAmount: must be positive, is \(highAmount)")
    require(
      veryHighAmount >= highAmount,
      "veryHighAmount: must be at least highAmount (\(highAmount)), is \(veryHighAmount)")
    require(
      amountLimit >= veryHighAmount,
      "amountLimit: must be at least veryHighAmount (\(veryHighAmount)), is \(amountLimit)")
    require(usualOrders >= 1, "usualOrders: must be at least 1, is \(usualOrders)")
    for (setting, domains) in [("disposableDomains", disposableDomains), ("blockedDomains", blockedDomains)] {
      for domain in domains.sorted() {
        require(
          isLowercase(domain) && domain.contains(".") && !domain.hasPrefix(".") && !domain.contains("@"),
          "\(setting): '\(domain)' must be a domain in small letters, such as example.org")
      }
    }
    for email in blockedEmails.sorted() {
      require(
        isLowercase(email) && email.contains("@"),
        "blockedEmails: '\(email)' must be a mail address in small letters, such as ada@example.org")
    }
    return problems
  }

  private func isLowercase(_ text: String) -> Bool { text == text.lowercased() && !text.contains(" ") }
}
