import FraudRules
import OrderDomain
import Testing

@Test func anOrdinaryBuyerPasses() {
  let assessment = FraudRules().screenBuyer(testOrder())
  #expect(assessment == Assessment(findings: [], policy: FraudPolicy()))
  #expect(assessment.score == 0 && assessment.verdict == .pass)
}

private let listPolicy = testPolicy {
  $0.blockedEmails = ["ada@blocked.example"]
  $0.blockedDomains = ["evil.example", "xn--nide-loa.ee"]
}

@Test(arguments: [
  ("ada@example.org", []), ("ada@mailinator.com", ["email_disposable"]),
  ("ADA@Mailinator.COM", ["email_disposable"]), ("ada@eu.mailinator.com", ["email_disposable"]),
  ("ada@notmailinator.com", []), ("ada@mailinator.com.example.org", []),
  ("ada@blocked.example", ["email_blocked"]), ("Ada@Blocked.Example", ["email_blocked"]),
  ("bob.ada@blocked.example", []), ("ada@evil.example", ["email_domain_blocked"]),
  ("ada@a.b.evil.example", ["email_domain_blocked"]), ("ada@xn--nide-loa.ee", ["email_domain_blocked"]),
  ("bob@example.org", ["email_name_mismatch"]), ("a.lovelace@example.org", []), ("ada+shop@example.org", []),
  ("1815@example.org", []), ("", []), ("@", []), ("@mailinator.com", ["email_disposable"]),
])
func emailRules(email: String, expected: [String]) {
  let assessment = FraudRules(policy: listPolicy).screenBuyer(testOrder { $0.customer.email = email })
  #expect(codes(assessment) == expected)
  #expect(assessment.findings.allSatisfy { $0.field == "/customer/email" })
}

@Test(arguments: [
  ("x7k2q9w4z1", true), ("adabcdfghjklmnp", false), ("adqwrtplkjhg", false), ("bcdfghjklmn", true),
  ("ada1234567890", true), ("ada1815", false), ("ada.lovelace.1815", false), ("a1d2a3l4o5v6", true),
])
func randomLookingAddresses(local: String, looksRandom: Bool) {
  let assessment = FraudRules().screenBuyer(testOrder { $0.customer.email = "\(local)@example.org" })
  #expect(codes(assessment).contains("email_looks_random") == looksRandom)
}

/// Mild rules alone must never stop a customer with an unusual address.
@Test func anOddAddressAloneIsNeverRejected() {
  let assessment = FraudRules().screenBuyer(testOrder { $0.customer.email = "x7k2q9w4z1@example.org" })
  #expect(codes(assessment) == ["email_looks_random", "email_name_mismatch"])
  #expect(assessment.verdict == .pass)
}

@Test(arguments: [
  ([50], []), ([51], ["quantity_unusual /items/0/quantity"]),
  ([1, 50], ["quantity_unusual /items/1/quantity"]),
  ([Int.max, Int.max], ["quantity_unusual /items/0/quantity", "total_quantity_unusual /items"]),
  ([Int.min, -1, 0], []), ([], []),
])
func quantitiesOfOneItem(quantities: [Int], expected: [String]) {
  let order = testOrder { $0.items = quantities.map { .init(sku: "book-dune", quantity: $0) } }
  #expect(FraudRules().screenBuyer(order).findings.map { "\($0.code) \($0.field)" } == expected)
}

@Test(arguments: [(4, []), (5, ["total_quantity_unusual"])])
func quantitiesOfSeveralItems(lines: Int, expected: [String]) {
  let order = testOrder { $0.items = (0..<lines).map { .init(sku: "item-\($0)", quantity: 50) } }
  #expect(codes(FraudRules().screenBuyer(order)) == expected)
}

@Test func aBlockedBuyerIsRejected() {
  let policy = testPolicy { $0.blockedEmails = ["ada@example.org"] }
  #expect(FraudRules(policy: policy).screenBuyer(testOrder()).verdict == .reject)
}
