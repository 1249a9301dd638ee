import CoreTime
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What fulfilment gets of an order: JSON on its standard input. Never a card number.
struct FulfilmentDocument: Encodable {
  let orderId: OrderID
  let priority: Priority
  let total: Money?
  let customer: Customer
  let items: [OrderItem]
  let billingAddress: Address
  let shippingAddress: Address
  let shipping: Shipping?
  let card: CardSummary
  /// RFC 3339.
  let createdAt: String

  init(_ order: StoredOrder) {
    orderId = order.id
    priority = order.priority
    total = order.total
    customer = order.customer
    items = order.items
    billingAddress = order.billingAddress
    shippingAddress = order.shippingAddress ?? order.billingAddress
    shipping = order.shipping
    card = order.card
    createdAt = order.createdAt.rfc3339
  }

  func encoded() throws -> Data {
    Data(try JSONText.encode(self))
  }
}
