import FraudRules
import OrderDomain
import Testing

@Test func theDefaultPolicyIsGood() {
  #expect(FraudPolicy().problems() == [])
}

@Test(arguments: [
  (testPolicy { $0.reviewScore = 0 }, "thresholds.review"),
  (testPolicy { $0.rejectScore = 39 }, "thresholds.reject"),
  (testPolicy { $0.rejectScore = 1_001 }, "thresholds.reject"),
  (testPolicy { $0.scores = [.amountHigh: -1] }, "scores.amount_high"),
  (testPolicy { $0.scores = [.emailBlocked: 1_001] }, "scores.email_blocked"),
  (testPolicy { ($0.usualQuantity, $0.usualTotalQuantity) = (0, 1) }, "quantities.one-item"),
  (testPolicy { $0.usualTotalQuantity = 49 }, "quantities.whole-order"),
  (testPolicy { $0.costlyQuantity = 1 }, "quantities.costly-items"),
  (testPolicy { $0.highAmount = 0 }, "amounts.high"),
  (testPolicy { $0.highAmount = 6_000 }, "amounts.very-high"),
  (testPolicy { $0.amountLimit = 4_999 }, "amounts.limit"),
  (testPolicy { $0.costlyPrice = 0 }, "amounts.costly-item"),
  (testPolicy { $0.knownOrders = 0 }, "history.orders"),
  (testPolicy { $0.knownAge = .seconds(-1) }, "history.age"),
  (testPolicy { $0.unusualFactor = 1 }, "history.factor"),
  (
    testPolicy { $0.limits[.ordersPerCard] = VelocityLimit(window: .seconds(59), most: 1) },
    "velocity.orders-per-card.window"
  ),
  (
    testPolicy { $0.limits[.cardsPerClient] = VelocityLimit(window: .seconds(60), most: 8) },
    "velocity.cards-per-client.most"
  ),
  (testPolicy { $0.disposableDomains = ["Mailinator.com"] }, "disposable-domains"),
  (testPolicy { $0.blockedDomains = ["@evil.example"] }, "blocked-domains"),
  (testPolicy { $0.blockedDomains = [".example"] }, "blocked-domains"),
  (testPolicy { $0.blockedDomains = [""] }, "blocked-domains"),
  (testPolicy { $0.blockedEmails = ["example.org"] }, "blocked-emails"),
])
func badPolicies(policy: FraudPolicy, key: String) throws {
  let problems = policy.problems()
  #expect(problems.count == 1)
  let problem = try #require(problems.first)
  #expect(problem.key == key && problem.message.hasPrefix("must be ") && problem.message.contains(", is "))
}

@Test func everyProblemIsNamedAtOnce() {
  let policy = testPolicy {
    $0.reviewScore = 0
    $0.highAmount = -1
    $0.unusualFactor = 0
  }
  #expect(policy.problems().map(\.key) == ["thresholds.review", "amounts.high", "history.factor"])
}

@Test func aScoreOfZeroSwitchesARuleOff() {
  let order = testOrder { $0.customer.email = "ada@mailinator.com" }
  let off = FraudRules(policy: testPolicy { $0.scores = [.emailDisposable: 0] })
  #expect(off.screenBuyer(order).findings == [])
  let strict = FraudRules(policy: testPolicy { $0.scores = [.emailDisposable: 80] })
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
  #expect((assessment.reviewFlag(buyer: nil) != nil) == (expected == .review))
}

@Test func theFlagNamesWhatLedToIt() throws {
  func finding(_ code: String, _ score: Int) -> Finding {
    Finding(code: code, field: "", message: "", score: score)
  }
  let buyer = Assessment(
    findings: [finding("email_disposable", 45), finding("email_name_mismatch", 5)], policy: FraudPolicy())
  let payment = Assessment(
    findings: [finding("buyer_suspicious", 50), finding("amount_high", 25)], policy: FraudPolicy())
  let flag = try #require(payment.reviewFlag(buyer: buyer))
  #expect(flag.code == "flagged_for_review" && flag.score == 0)
  #expect(
    flag.message
      == "A person should look at this order; it scored 75: "
      + "email_disposable 45, email_name_mismatch 5, amount_high 25.")
}

@Test func theWeightiestFindingComesFirst() {
  let findings = [5, 45, 5, 50].enumerated().map {
    Finding(code: "\($0.offset)", field: "", message: "", score: $0.element)
  }
  #expect(Assessment(findings: findings, policy: FraudPolicy()).ranked.map(\.code) == ["3", "1", "0", "2"])
}

@Test func codesAreLowerSnakeCase() {
  let allowed = Set("abcdefghijklmnopqrstuvwxyz_")
  let codes = FraudRuleCode.allCases.map(\.rawValue) + [FraudRuleCode.flaggedForReview]
  #expect(codes.allSatisfy { $0.allSatisfy { allowed.contains($0) } })
  #expect(Set(codes).count == codes.count)
}

/// Every rule can be met, adds what the policy says, and names a pointer and a sentence.
@Test func everyRuleCanBeMet() throws {
  let range = try #require(CardRanges.Range(first: "41", last: "42", country: "LV"))
  let policy = try testPolicy {
    $0.blockedEmails = ["x7k2q9w4z1@mailinator.com"]
    $0.blockedDomains = ["mailinator.com"]
    $0.cardRanges = try CardRanges.make([range]).get()
  }
  let rules = FraudRules(policy: policy)
  let order = testOrder {
    $0.customer.email = "x7k2q9w4z1@mailinator.com"
    $0.items = [.init(sku: "book-dune", quantity: .max)]
    $0.shippingAddress = Address(street: "Street 1", city: "City", postalCode: "1", country: "ZZ")
    $0.shipping = Shipping(method: "express")
    $0.payment.card.holder = "Charles Babbage"
  }
  let buyer = rules.screenBuyer(order)
  let history = CustomerHistory(orders: 9, usualAmount: 1_000, largestAmount: 2_000, since: at(-9_999_999))
  let payments = try [100_000, 500_000, 2_000_000].map {
    rules.screenPayment(
      order, amount: try euros($0), buyer: buyer, evidence: FraudEvidence(history: history, now: at(0)))
  }
  let counted = try VelocityKind.allCases.map { kind in
    rules.screenPayment(
      testOrder(), amount: try euros(100), evidence: FraudEvidence(counts: [kind: 10_001], now: at(0)))
  }
  let several = testOrder { $0.items = [.init(sku: "goods-lamp", quantity: 3)] }
  let costly = rules.screenPayment(several, amount: try euros(60_000))
  let elsewhere = rules.screenPayment(order, amount: try euros(20_000))
  let findings = buyer.findings + (payments + counted + [costly, elsewhere]).flatMap(\.findings)
  #expect(Set(findings.map(\.code)) == Set(FraudRuleCode.allCases.map(\.rawValue)))
  for finding in findings {
    let code = try #require(FraudRuleCode(rawValue: finding.code))
    #expect(finding.score == (code == .buyerSuspicious ? buyer.score : policy.score(of: code)))
    #expect(finding.message.hasSuffix(".") && !finding.message.contains("4111"))
    #expect(finding.field.isEmpty || finding.field.hasPrefix("/"))
  }
}
