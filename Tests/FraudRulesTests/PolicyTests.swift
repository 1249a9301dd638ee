import FraudRules
import OrderDomain
import Testing

@Test func theDefaultPolicyIsGood() {
  #expect(FraudPolicy().problems() == [])
}

@Test(arguments: [
  (FraudPolicy(reviewScore: 0), "reviewScore"),
  (FraudPolicy(reviewScore: 50, rejectScore: 49), "rejectScore"),
  (FraudPolicy(rejectScore: 1_001), "rejectScore"),
  (FraudPolicy(scores: [.amountHigh: -1]), "scores.amount_high"),
  (FraudPolicy(scores: [.emailBlocked: 1_001]), "scores.email_blocked"),
  (FraudPolicy(usualQuantity: 0), "usualQuantity"),
  (FraudPolicy(usualTotalQuantity: 49), "usualTotalQuantity"),
  (FraudPolicy(highAmount: 0), "highAmount"), (FraudPolicy(highAmount: 6_000), "veryHighAmount"),
  (FraudPolicy(amountLimit: 4_999), "amountLimit"), (FraudPolicy(usualOrders: 0), "usualOrders"),
  (FraudPolicy(disposableDomains: ["Mailinator.com"]), "disposableDomains"),
  (FraudPolicy(blockedDomains: ["@evil.example"]), "blockedDomains"),
  (FraudPolicy(blockedDomains: [".example"]), "blockedDomains"),
  (FraudPolicy(blockedDomains: [""]), "blockedDomains"),
  (FraudPolicy(blockedEmails: ["example.org"]), "blockedEmails"),
])
func badPolicies(policy: FraudPolicy, setting: String) {
  let problems = policy.problems()
  #expect(problems.count == 1)
  #expect(problems.first?.hasPrefix("\(setting): ") == true)
}

@Test func everyProblemIsNamedAtOnce() {
  #expect(FraudPolicy(reviewScore: 0, highAmount: -1, usualOrders: 0).problems().count == 3)
}

@Test func aScoreOfZeroSwitchesARuleOff() {
  let order = testOrder { $0.customer.email = "ada@mailinator.com" }
  let off = FraudRules(policy: FraudPolicy(scores: [.emailDisposable: 0]))
  #expect(off.screenBuyer(order).findings == [])
  let strict = FraudRules(policy: FraudPolicy(scores: [.emailDisposable: 80]))
  #expect(strict.screenBuyer(order).verdict == .reject)
}

@Test(arguments: [
  ([39], Assessment.Verdict.pass), ([40], .review), ([79], .review), ([40, 40], .reject), ([80], .reject),
  ([Int.max, Int.max], .reject), ([100, Int.min], .reject), ([], .pass),
])
func verdicts(scores: [Int], expected: Assessment.Verdict) {
  let findings = scores.map { Finding(code: "x", field: "", message: "", score: $0) }
  let assessment = Assessment(findings: findings, policy: FraudPolicy())
  #expect(assessment.verdict == expected)
  #expect((0...FraudPolicy.maxScore).contains(assessment.score))
}

@Test func codesAreLowerSnakeCase() {
  let allowed = Set("abcdefghijklmnopqrstuvwxyz_")
  #expect(FraudRuleCode.allCases.allSatisfy { $0.rawValue.allSatisfy { allowed.contains($0) } })
}

/// Every rule can be met, adds what the policy says, and names a pointer and a sentence.
@Test func everyRuleCanBeMet() throws {
  let policy = FraudPolicy(blockedEmails: ["x7k2q9w4z1@mailinator.com"], blockedDomains: ["mailinator.com"])
  let rules = FraudRules(policy: policy)
  let order = testOrder {
    $0.customer.email = "x7k2q9w4z1@mailinator.com"
    $0.items = [.init(sku: "book-dune", quantity: .max)]
    $0.shippingAddress = Address(street: "Street 1", city: "City", postalCode: "1", country: "ZZ")
    $0.shipping = Shipping(method: "express")
    $0.payment.card.holder = "Charles Babbage"
  }
  let buyer = rules.screenBuyer(order)
  let payments = try [100_000, 500_000, 2_000_000].map {
    rules.screenPayment(order, card: testSummary, amount: try euros($0), buyer: buyer, recentOrders: 100)
  }
  let findings = buyer.findings + payments.flatMap(\.findings)
  #expect(Set(findings.map(\.code)) == Set(FraudRuleCode.allCases.map(\.rawValue)))
  for finding in findings {
    let code = try #require(FraudRuleCode(rawValue: finding.code))
    #expect(finding.score == (code == .buyerSuspicious ? buyer.score : policy.score(of: code)))
    #expect(finding.message.hasSuffix(".") && !finding.message.contains("4111"))
    #expect(finding.field.isEmpty || finding.field.hasPrefix("/"))
  }
}
