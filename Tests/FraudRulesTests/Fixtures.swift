import FraudRules
import OrderDomain
import Testing

let testSummary = CardSummary(brand: .visa, lastFour: "1111", fingerprint: "0123456789abcdef0123456789abcdef")

/// An order without anything odd, changed by `change`.
func testOrder(_ change: (inout OrderRequest) -> Void = { _ in }) -> OrderRequest {
  let card = Card(holder: "Ada Lovelace", number: "4111111111111111", expiry: "12/30", cvv: "123")
  var order = OrderRequest(
    customer: Customer(name: "Ada Lovelace", email: "ada@example.org"),
    items: [OrderItem(sku: "book-dune", quantity: 2)],
    billingAddress: Address(street: "Ülikooli 18", city: "Tartu", postalCode: "50090", country: "EE"),
    shipping: Shipping(method: "standard"), payment: Payment(card: card), acceptTerms: true)
  change(&order)
  return order
}

/// Cents.
func euros(_ minorUnits: Int64) throws -> Money {
  Money(minorUnits: minorUnits, currency: try #require(Currency("EUR")))
}

func codes(_ assessment: Assessment) -> [String] { assessment.findings.map(\.code) }
