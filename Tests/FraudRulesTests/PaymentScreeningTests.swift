import FraudRules
import OrderDomain
import Testing

@Test(
  arguments: [
    (.min, []), (0, []), (99_999, []), (100_000, ["amount_high"]), (499_999, ["amount_high"]),
    (500_000, ["amount_very_high"]), (1_999_999, ["amount_very_high"]), (2_000_000, ["amount_over_limit"]),
    (.max, ["amount_over_limit"]),
  ] as [(Int64, [String])])
func amounts(cents: Int64, expected: [String]) throws {
  let assessment = FraudRules().screenPayment(testOrder(), amount: try euros(cents))
  #expect(codes(assessment) == expected)
}

/// The thresholds are whole units, whatever number of decimals the currency has.
@Test(arguments: [("JPY", Int64(1_000)), ("EUR", 100_000), ("KWD", 1_000_000)])
func amountsInOtherCurrencies(code: String, minorUnits: Int64) throws {
  let currency = try #require(Currency(code))
  func found(_ units: Int64) -> [String] {
    codes(
      FraudRules().screenPayment(
        testOrder(), amount: Money(minorUnits: units, currency: currency)))
  }
  #expect(found(minorUnits) == ["amount_high"])
  #expect(found(minorUnits - 1) == [])
}

@Test func aThresholdBeyondSixtyFourBitsIsNeverReached() throws {
  let policy = testPolicy {
    ($0.highAmount, $0.veryHighAmount, $0.amountLimit) = (.max, .max, .max)
  }
  let assessment = FraudRules(policy: policy).screenPayment(
    testOrder(), amount: try euros(.max))
  #expect(assessment.score == 0)
}

@Test(arguments: [
  ("Ada Lovelace", "Ada Lovelace", false), ("Ada Lovelace", "ADA LOVELACE", false),
  ("Ada Lovelace", "LOVELACE/ADA", false), ("Ada Lovelace", "A. Lovelace", false),
  ("Ada Lovelace", "Countess A King Lovelace", false), ("Jüri Põld", "JURI POLD", false),
  ("Jüri Näidis", "JUERI NAEIDIS", false), ("Ju\u{308}ri", "JÜRI", false),
  ("Łukasz Żak", "LUKASZ ZAK", false),
  ("Groß", "GROSS", false), ("O'Brien", "OBRIEN", false), ("Ada Lovelace", "Charles Babbage", true),
  ("Ada L", "Charles L", true),
  // Nothing to compare: a name in another script, and no name at all.
  ("Анна Каренина", "ANNA KARENINA", false), ("佐藤 花子", "HANAKO SATO", false), ("", "Ada Lovelace", false),
  ("Ada Lovelace", "1234 5678", false),
])
func holderNames(customer: String, holder: String, differ: Bool) throws {
  let order = testOrder {
    $0.customer.name = customer
    $0.payment.card.holder = holder
  }
  let assessment = FraudRules().screenPayment(order, amount: try euros(1_000))
  #expect(codes(assessment) == (differ ? ["holder_name_mismatch"] : []))
}

@Test func countriesAreComparedOnlyIfThereAreTwo() throws {
  let abroad = Address(street: "Hauptstraße 7", city: "Berlin", postalCode: "10115", country: "DE")
  var order = testOrder { $0.shippingAddress = abroad }
  let amount = try euros(1_000)
  #expect(codes(FraudRules().screenPayment(order, amount: amount)) == ["country_mismatch"])
  order.billingAddress = abroad
  #expect(codes(FraudRules().screenPayment(order, amount: amount)) == [])
  order.shippingAddress = nil
  #expect(codes(FraudRules().screenPayment(order, amount: amount)) == [])
}

@Test func expressMattersForHighAmountsOnly() throws {
  let order = testOrder { $0.shipping = Shipping(method: "express") }
  let rules = FraudRules()
  #expect(codes(rules.screenPayment(order, amount: try euros(99_999))) == [])
  let high = rules.screenPayment(order, amount: try euros(100_000))
  #expect(codes(high) == ["amount_high", "express_high_amount"])
  #expect(high.score == 35 && high.verdict == .pass)
}

/// Neither the buyer nor the payment is enough to reject, both together are.
@Test func theBuyersScoreIsCarriedOver() throws {
  let rules = FraudRules()
  let order = testOrder {
    $0.customer.email = "x7k2q9w4z1@mailinator.com"
    $0.payment.card.holder = "Charles Babbage"
  }
  let buyer = rules.screenBuyer(order)
  let amount = try euros(500_000)
  #expect(buyer.verdict == .review)
  #expect(rules.screenPayment(order, amount: amount).verdict == .review)
  let both = rules.screenPayment(order, amount: amount, buyer: buyer)
  #expect(codes(both) == ["buyer_suspicious", "amount_very_high", "holder_name_mismatch"])
  #expect(both.score == 110 && both.verdict == .reject)
}

/// The example is suspicious at d and rejected at e.
@Test func theExampleFraudIsRejectedAtPayment() throws {
  let catalog = try example("catalog.json", as: Catalog.self)
  let order = try example("order-fraud.json", as: OrderRequest.self)
  let rules = FraudRules()
  let buyer = rules.screenBuyer(order)
  #expect(codes(buyer) == ["email_disposable", "email_looks_random", "email_name_mismatch"])
  #expect(buyer.verdict == .review)
  let payment = rules.screenPayment(
    order, amount: try price(of: order, in: catalog), buyer: buyer)
  #expect(
    codes(payment) == [
      "buyer_suspicious", "amount_very_high", "express_high_amount", "new_customer_elsewhere",
      "country_mismatch", "holder_name_mismatch",
    ])
  #expect(payment.verdict == .reject)
}

@Test(arguments: ["order.json", "order-economy.json"]) func theGoodExamplesPass(name: String) throws {
  let catalog = try example("catalog.json", as: Catalog.self)
  let order = try example(name, as: OrderRequest.self)
  let rules = FraudRules()
  let buyer = rules.screenBuyer(order)
  let payment = rules.screenPayment(
    order, amount: try price(of: order, in: catalog), buyer: buyer)
  #expect(buyer.findings == [] && payment.findings == [])
}
