import CoreTime
import FoundationEssentials
import OrderDomain
import Randomness
import Testing
import TransactionRules

@Test func codesAreLowerSnakeCase() {
  let allowed = Set("abcdefghijklmnopqrstuvwxyz_")
  for code in TransactionRuleCode.allCases {
    #expect(code.rawValue.allSatisfy { allowed.contains($0) }, "\(code)")
    #expect(!code.rawValue.hasPrefix("_") && !code.rawValue.hasSuffix("_") && !code.rawValue.contains("__"))
  }
}

/// Whatever comes in, no rule traps, every finding has a known code, a pointer into the order and one sentence, and no
/// message repeats the card number or the CVV.
@Test(arguments: UInt64(1)...40) func anythingIsJudgedWithoutATrap(seed: UInt64) throws {
  let rules = try testRules()
  var random = SplitMix64(seed: seed)
  let texts = [
    "", " ", "4111111111111111", "4111 1111 1111 1112", "7391", "book-dune", "\u{0}", "e\u{301}\u{301}", "👩‍👩‍👧‍👦",
    "\u{202E}",
    String(repeating: "4", count: 3_000), "12/30", "//", "@", "a@b.cc", "EE", "EUR", "\r\n", "express", "٣",
  ]
  let integers = [Int.min, -1, 0, 1, 9, 1_000, 1_001, Int.max]
  for _ in 0..<50 {
    func text() -> String { texts.randomElement(using: &random) ?? "" }
    func integer() -> Int { integers.randomElement(using: &random) ?? 0 }
    func address() -> Address { Address(street: text(), city: text(), postalCode: text(), country: text()) }
    let items = (0..<Int.random(in: 0...120, using: &random)).map { _ in
      OrderItem(sku: text(), quantity: integer())
    }
    let card = Card(holder: text(), number: text(), expiry: text(), cvv: "7391")
    let order = OrderRequest(
      customer: Customer(name: text(), email: text()), items: items, billingAddress: address(),
      shippingAddress: address(), shipping: Shipping(method: text()), payment: Payment(card: card),
      acceptTerms: Bool.random(using: &random), currency: text(), total: Int64(integer()), priority: integer()
    )
    let now = Timestamp(milliseconds: Int64(integer()))
    let findings = rules.verifyItems(order) + rules.verifyBuyer(order) + rules.verifyCard(card, now: now)
    #expect(!findings.isEmpty)
    #expect(findings.count <= 120)
    for finding in findings {
      #expect(TransactionRuleCode(rawValue: finding.code) != nil)
      #expect(finding.field.hasPrefix("/"))
      #expect(finding.message.hasSuffix(".") && finding.message.utf8.count <= 200)
      #expect(!finding.message.contains("4111") && !finding.message.contains("7391"), "\(finding.code)")
    }
  }
}

private func example<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return try JSONDecoder().decode(type, from: Data(contentsOf: root.appending(path: "examples/\(name)")))
}

@Test func theExampleCatalogIsGood() throws {
  let catalog = try example("catalog.json", as: Catalog.self)
  #expect(catalog.problems() == [])
  #expect((12...16).contains(catalog.items.count))
  #expect(catalog.currency.code == "EUR")
  #expect(catalog.itemsBySKU()["book-dune"] != nil)
  let allowed = Set("abcdefghijklmnopqrstuvwxyz-")
  #expect(
    catalog.items.allSatisfy { !$0.tags.isEmpty && $0.tags.joined().allSatisfy { allowed.contains($0) } })
}

@Test(arguments: [
  ("order.json", []), ("order-economy.json", []), ("order-fraud.json", []),
  ("order-expired-card.json", ["card_expired /payment/card/expiry"]),
  ("order-unknown-item.json", ["item_unknown /items/1/sku"]),
])
func theExampleOrdersAreJudgedAsTheirNamesSay(name: String, expected: [String]) throws {
  let rules = TransactionRules(catalog: try example("catalog.json", as: Catalog.self))
  let order = try example(name, as: OrderRequest.self)
  let findings =
    rules.verifyItems(order) + rules.verifyBuyer(order) + rules.verifyCard(order.payment.card, now: today)
  #expect(brief(findings) == expected)
}
