import CoreTime
import FraudRules
import OrderDomain
import Testing

func testPolicy(_ change: (inout FraudPolicy) throws -> Void) rethrows -> FraudPolicy {
  var policy = FraudPolicy()
  try change(&policy)
  return policy
}

/// `2026-11-22T12:00:00Z`, and so many seconds later.
func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: 1_795_348_800_000 + seconds * 1_000) }

func orderID(_ number: UInt64) -> OrderID { OrderID(high: 0x7000, low: 0x8000_0000_0000_0000 | number) }

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
