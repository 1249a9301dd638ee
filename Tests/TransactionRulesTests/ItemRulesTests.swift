import OrderDomain
import Testing
import TransactionRules

struct ItemCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let change: @Sendable (inout OrderRequest) -> Void
  let expected: [String]

  init(_ name: String, _ expected: [String], _ change: @escaping @Sendable (inout OrderRequest) -> Void) {
    testDescription = name
    self.expected = expected
    self.change = change
  }

  static let all: [ItemCase] = [
    .init("good", []) { _ in },
    .init("no items", ["items_empty /items"]) { $0.items = [] },
    .init("100 lines", []) { $0.items = Array(repeating: .init(sku: "book-dune", quantity: 10), count: 100) },
    .init("101 lines", ["items_too_many /items"]) {
      $0.items = Array(repeating: .init(sku: "book-dune", quantity: 1), count: 101)
    },
    .init("unknown in the second line", ["item_unknown /items/1/sku"]) {
      $0.items.append(.init(sku: "book-dun", quantity: 1))
    },
    .init(
      "unknown and too many", ["item_unknown /items/0/sku", "item_quantity_out_of_range /items/1/quantity"]
    ) {
      $0.items = [.init(sku: "", quantity: 1), .init(sku: "goods-mug", quantity: 1_001)]
    },
    .init("quantity 0", ["item_quantity_out_of_range /items/0/quantity"]) { $0.items[0].quantity = 0 },
    .init("quantity -1", ["item_quantity_out_of_range /items/0/quantity"]) { $0.items[0].quantity = -1 },
    .init("quantity 1", []) { $0.items[0].quantity = 1 },
    .init("quantity 1000", []) { $0.items[0].quantity = 1_000 },
    .init("quantity 1001", ["item_quantity_out_of_range /items/0/quantity"]) { $0.items[0].quantity = 1_001 },
    .init("quantity Int.max", ["item_quantity_out_of_range /items/0/quantity"]) {
      $0.items[0].quantity = .max
    },
    .init("quantity Int.min", ["item_quantity_out_of_range /items/0/quantity"]) {
      $0.items[0].quantity = .min
    },
    .init("lines of one SKU add up", ["item_quantity_out_of_range /items/1/quantity"]) {
      $0.items = [.init(sku: "book-dune", quantity: 1_000), .init(sku: "book-dune", quantity: 1)]
    },
    .init("lines of two SKUs do not", []) {
      $0.items = [.init(sku: "book-dune", quantity: 1_000), .init(sku: "goods-mug", quantity: 1_000)]
    },
    .init("right currency", []) { $0.currency = "EUR" },
    .init("other currency", ["currency_mismatch /currency"]) { $0.currency = "USD" },
    .init("small letters", ["currency_malformed /currency"]) { $0.currency = "eur" },
    .init("empty currency", ["currency_malformed /currency"]) { $0.currency = "" },
    .init("a sign for a currency", ["currency_malformed /currency"]) { $0.currency = "€" },
    .init("right total", []) { $0.total = 2_598 },
    .init("a cent too little", ["total_mismatch /total"]) { $0.total = 2_597 },
    .init("total Int64.min", ["total_mismatch /total"]) { $0.total = .min },
    .init("total in another currency is not compared", ["currency_mismatch /currency"]) {
      $0.currency = "USD"
      $0.total = 3_000
    },
    .init("a total of 0 for what is free", []) {
      $0.items = [.init(sku: "goods-free", quantity: 3)]
      $0.total = 0
    },
    .init("total overflows in a product", ["total_out_of_range /items"]) {
      $0.items = [.init(sku: "goods-priceless", quantity: 2)]
    },
    .init("total overflows in the sum", ["total_out_of_range /items"]) {
      $0.items = [.init(sku: "goods-priceless", quantity: 1), .init(sku: "goods-mug", quantity: 1)]
    },
    .init("priority 0", []) { $0.priority = 0 },
    .init("priority 9", []) { $0.priority = 9 },
    .init("priority 10", ["priority_out_of_range /priority"]) { $0.priority = 10 },
    .init("priority -1", ["priority_out_of_range /priority"]) { $0.priority = -1 },
    .init("no shipping", []) { $0.shipping = nil },
    .init("standard", []) { $0.shipping = .init(method: "standard") },
    .init("economy", []) { $0.shipping = .init(method: "economy") },
    .init("by drone", ["shipping_method_unknown /shipping/method"]) { $0.shipping = .init(method: "drone") },
    .init("capitals", ["shipping_method_unknown /shipping/method"]) {
      $0.shipping = .init(method: "EXPRESS")
    },
  ]
}

@Test(arguments: ItemCase.all) func itemRules(_ row: ItemCase) throws {
  let rules = try testRules()
  #expect(brief(rules.verifyItems(testOrder(row.change))) == row.expected)
}

@Test func thePriceNamesEveryLine() throws {
  let rules = try testRules()
  let order = testOrder {
    $0.items = [.init(sku: "goods-mug", quantity: 3), .init(sku: "book-dune", quantity: 2)]
  }
  let price = try #require(rules.priceOf(order))
  #expect(price.total.minorUnits == 3 * 1_490 + 2 * 1_299)
  #expect(price.lines.map(\.sku) == ["goods-mug", "book-dune"])
  #expect(price.lines.map(\.amount.minorUnits) == [4_470, 2_598])
  #expect(price.lines.map(\.unitPrice.minorUnits) == [1_490, 1_299])
  #expect(price.total.currency.code == "EUR")
}

@Test(arguments: [("book-dun", 1), ("book-dune", 0), ("book-dune", -5), ("goods-priceless", 2)])
func whatCannotBePricedHasNoPrice(sku: String, quantity: Int) throws {
  let rules = try testRules()
  #expect(rules.priceOf(testOrder { $0.items = [.init(sku: sku, quantity: quantity)] }) == nil)
}

@Test func anUnknownItemIsNamedUnlessItLooksLikeACardNumber() throws {
  let rules = try testRules()
  func message(_ sku: String) throws -> String {
    try #require(rules.verifyItems(testOrder { $0.items[0].sku = sku }).first).message
  }
  #expect(try message("book-dun").contains("'book-dun'"))
  #expect(try !message("4111111111111111").contains("4111"))
  #expect(try !message("line\nbreak").contains("break"))
  #expect(try message(String(repeating: "x", count: 100_000)).utf8.count < 200)
}
