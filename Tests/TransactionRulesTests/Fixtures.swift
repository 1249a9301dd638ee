import CoreTime
import OrderDomain
import Testing
import TransactionRules

/// 2026-11-22T00:00:00Z
let today = Timestamp(milliseconds: 1_795_305_600_000)

func testCatalog() throws -> Catalog {
  Catalog(
    currency: try #require(Currency("EUR")),
    items: [
      CatalogItem(sku: "book-dune", title: "Dune", price: 1_299, tags: ["science-fiction"]),
      CatalogItem(sku: "goods-mug", title: "Mug", price: 1_490),
      CatalogItem(sku: "goods-free", title: "Bookmark", price: 0),
      CatalogItem(sku: "goods-priceless", title: "Original manuscript", price: .max),
    ])
}

func testRules() throws -> TransactionRules { TransactionRules(catalog: try testCatalog()) }

/// An order that every rule passes, changed by `change`.
func testOrder(_ change: (inout OrderRequest) -> Void = { _ in }) -> OrderRequest {
  var order = OrderRequest(
    customer: Customer(name: "Ada Lovelace", email: "ada@example.org"),
    items: [OrderItem(sku: "book-dune", quantity: 2)],
    billingAddress: Address(street: "Ülikooli 18", city: "Tartu", postalCode: "50090", country: "EE"),
    shipping: Shipping(method: "express"), payment: Payment(card: testCard()), acceptTerms: true)
  change(&order)
  return order
}

/// Only numbers that the schemes publish for testing.
func testCard(
  number: String = "4111111111111111", expiry: String = "12/30", cvv: String = "123",
  holder: String = "Ada Lovelace"
) -> Card {
  Card(holder: holder, number: number, expiry: expiry, cvv: cvv)
}

/// `code field` of each finding: what a table of expectations compares.
func brief(_ findings: [Finding]) -> [String] { findings.map { "\($0.code) \($0.field)" } }
