package import OrderDomain

/// What an order costs, by the catalog's prices.
package struct OrderPrice: Sendable, Hashable {
  package let total: Money
  /// In the order of `OrderRequest.items`.
  package let lines: [PricedLine]
}

package struct PricedLine: Sendable, Hashable {
  package let sku: String
  package let quantity: Int
  package let unitPrice: Money
  /// `unitPrice` times `quantity`.
  package let amount: Money
}

extension TransactionRules {
  /// The price of `order`. Nil when an item is unknown, a quantity is not positive, there are more than
  /// `maxLines` lines, or an amount does not fit into 64 bits; `verifyItems` says which. Zero for an order
  /// without items.
  package func priceOf(_ order: OrderRequest) -> OrderPrice? {
    guard order.items.count <= Self.maxLines else { return nil }
    var total = Money(minorUnits: 0, currency: catalog.currency)
    var lines: [PricedLine] = []
    for item in order.items {
      guard item.quantity > 0, item.sku.utf8.count <= Self.maxSKUBytes, let known = itemsBySKU[item.sku]
      else {
        return nil
      }
      let unitPrice = Money(minorUnits: known.price, currency: catalog.currency)
      guard let amount = unitPrice.multiplied(by: Int64(item.quantity)), let sum = total.adding(amount) else {
        return nil
      }
      total = sum
      lines.append(PricedLine(sku: known.sku, quantity: item.quantity, unitPrice: unitPrice, amount: amount))
    }
    return OrderPrice(total: total, lines: lines)
  }
}
