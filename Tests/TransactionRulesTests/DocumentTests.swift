import FoundationEssentials
import OrderDomain
import Testing
import TransactionRules

/// The codes of docs/ERRORS.md for the events a, b and c, in their order.
private func documentedCodes() throws -> [String] {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let text = String(decoding: try Data(contentsOf: root.appending(path: "docs/ERRORS.md")), as: UTF8.self)
  var codes: [String] = []
  var isInside = false
  for line in text.split(separator: "\n") {
    if line.hasPrefix("#") { isInside = ["a:", "b:", "c:"].contains { line.hasPrefix("### Event \($0)") } }
    if isInside, line.hasPrefix("| `") {
      codes.append(line.split(separator: "`").dropFirst().first.map(String.init) ?? "")
    }
  }
  return codes
}

@Test func everyRuleStandsInTheDocument() throws {
  #expect(try documentedCodes() == TransactionRuleCode.allCases.map(\.rawValue))
}

/// An order for each rule, and what it must be answered with: no rule is a name alone.
@Test func everyRuleCanBeBroken() throws {
  let rules = try testRules()
  let long = String(repeating: "x", count: 201)
  let items = OrderItem(sku: "book-dune", quantity: 1)
  let orders = [
    testOrder { $0.items = [] }, testOrder { $0.items = Array(repeating: items, count: 101) },
    testOrder { $0.items = [OrderItem(sku: "nothing", quantity: 1)] },
    testOrder { $0.items = [OrderItem(sku: "book-dune", quantity: 1_001)] },
    testOrder { $0.currency = "euro" }, testOrder { $0.currency = "USD" }, testOrder { $0.total = 1 },
    testOrder { $0.items = [OrderItem(sku: "goods-priceless", quantity: 2)] },
    testOrder { $0.priority = 10 }, testOrder { $0.shipping = Shipping(method: "drone") },
    testOrder { $0.customer.name = " " }, testOrder { $0.customer.name = long },
    testOrder { $0.customer.email = "ada" }, testOrder { $0.billingAddress.street = "" },
    testOrder { $0.billingAddress.city = long }, testOrder { $0.billingAddress.country = "Estonia" },
    testOrder { $0.billingAddress.country = "ZZ" }, testOrder { $0.billingAddress.postalCode = "5009" },
    testOrder { $0.acceptTerms = nil }, testOrder { $0.payment.card.holder = "" },
    testOrder { $0.payment.card.holder = long }, testOrder { $0.payment.card.number = "4111x" },
    testOrder { $0.payment.card.number = "4111" }, testOrder { $0.payment.card.number = "4111111111111112" },
    testOrder { $0.payment.card.number = "9999999999999995" }, testOrder { $0.payment.card.expiry = "2030" },
    testOrder { $0.payment.card.expiry = "12/99" }, testOrder { $0.payment.card.expiry = "01/20" },
    testOrder { $0.payment.card.cvv = "1" },
  ]
  let findings = orders.flatMap {
    rules.verifyItems($0) + rules.verifyBuyer($0) + rules.verifyCard($0.payment.card, now: today)
  }
  #expect(findings.map(\.code) == TransactionRuleCode.allCases.map(\.rawValue))
  for finding in findings {
    #expect(finding.message.hasSuffix(".") && finding.message.first?.isUppercase == true, "\(finding.code)")
    #expect(finding.message.split(separator: " ").count >= 3, "\(finding.code)")
  }
}
