package import OrderDomain
package import OrderProtos
import SwiftProtobuf

// What is bought, without anything about who buys it.

extension Ordersd_V1_Basket {
  package init(_ items: [OrderItem]) {
    self.init()
    self.items = items.map { item in
      .with {
        $0.sku = item.sku
        $0.quantity = Int64(item.quantity)
      }
    }
  }

  package var orderItems: [OrderItem] {
    items.map { OrderItem(sku: $0.sku, quantity: Int(clamping: $0.quantity)) }
  }

  /// As it came from a peer. Throws `invalid_argument` beyond the limits.
  package func checked() throws -> [OrderItem] {
    guard items.count <= WireLimit.orderItems else {
      throw ServiceError(
        .invalidArgument, "basket.items: at most \(WireLimit.orderItems), not \(items.count)")
    }
    if let item = items.first(where: { !(1...WireLimit.sku).contains($0.sku.utf8.count) || $0.quantity < 1 })
    {
      throw ServiceError(
        .invalidArgument,
        "basket.items: a SKU has 1 to \(WireLimit.sku) bytes and a quantity of at least 1, "
          + "not '\(item.sku.prefix(64))' × \(item.quantity)")
    }
    return orderItems
  }
}
