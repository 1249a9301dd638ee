package import OrderDomain

/// The rules of transaction verification: events a (items), b (buyer) and c (payment card) of the checkout.
///
/// Each method gives every fault that it finds; an empty array means that the event has passed. No input
/// traps, and no message holds a card number or a CVV.
package struct TransactionRules: Sendable {
  package let catalog: Catalog
  let itemsBySKU: [String: CatalogItem]

  /// `catalog` is expected to have no `problems()`.
  package init(catalog: Catalog) {
    self.catalog = catalog
    itemsBySKU = catalog.itemsBySKU()
  }

  /// Most lines of one order.
  package static let maxLines = 100
  /// What may be ordered of one SKU, over all lines that name it.
  package static let quantityRange = 1...1_000
  /// Shipping methods, as in `Shipping.method`.
  package static let shippingMethods = ["express", "standard", "economy"]
  /// Most bytes of a SKU; the same as in `Catalog.problems()`.
  static let maxSKUBytes = 64

  /// Event a: the lines, their price, the currency, the priority and the shipping method.
  package func verifyItems(_ order: OrderRequest) -> [Finding] {
    var findings: [Finding] = []
    if order.items.isEmpty {
      findings.append(.init(.itemsEmpty, "/items", "Name at least one item, with its SKU and a quantity."))
    } else if order.items.count > Self.maxLines {
      findings.append(
        .init(
          .itemsTooMany, "/items",
          "An order holds at most \(Self.maxLines) lines, not \(order.items.count); split it into several orders."
        ))
    } else {
      findings += lineFindings(order.items)
    }
    let linesAreGood = findings.isEmpty
    let currencyFinding = currencyFinding(order)
    if let currencyFinding { findings.append(currencyFinding) }
    if linesAreGood, currencyFinding == nil, let finding = totalFinding(order) { findings.append(finding) }
    if let priority = order.priority, !Priority.range.contains(priority) {
      findings.append(
        .init(
          .priorityOutOfRange, "/priority",
          "The priority is 0 (most urgent) to 9, or left out; not \(priority)."))
    }
    if let method = order.shipping?.method, !Self.shippingMethods.contains(method) {
      findings.append(
        .init(
          .shippingMethodUnknown, "/shipping/method",
          "Shipping\(shown(method)) is not offered; choose express, standard or economy."))
    }
    return findings
  }

  private func lineFindings(_ items: [OrderItem]) -> [Finding] {
    var findings: [Finding] = []
    var ordered: [String: Int] = [:]
    for (index, item) in items.enumerated() {
      if item.sku.utf8.count > Self.maxSKUBytes || itemsBySKU[item.sku] == nil {
        findings.append(
          .init(
            .itemUnknown, "/items/\(index)/sku",
            "The item\(shown(item.sku)) is not in the catalog; use a SKU that the catalog lists."))
        continue
      }
      let (least, most) = (Self.quantityRange.lowerBound, Self.quantityRange.upperBound)
      guard Self.quantityRange.contains(item.quantity) else {
        findings.append(
          .init(
            .itemQuantityOutOfRange, "/items/\(index)/quantity",
            "The quantity is a whole number from \(least) to \(most), not \(item.quantity)."))
        continue
      }
      // Both are within the range and there are at most `maxLines` of them, so the sum is small.
      ordered[item.sku, default: 0] += item.quantity
      if let sum = ordered[item.sku], sum > most {
        findings.append(
          .init(
            .itemQuantityOutOfRange, "/items/\(index)/quantity",
            "All lines with the same SKU may ask for \(most) together; with this line they ask for \(sum)."))
      }
    }
    return findings
  }

  private func currencyFinding(_ order: OrderRequest) -> Finding? {
    guard let code = order.currency else { return nil }
    guard let currency = Currency(code) else {
      return .init(
        .currencyMalformed, "/currency",
        "The currency is an ISO 4217 code of three capital letters, here \(catalog.currency), or left out.")
    }
    guard currency != catalog.currency else { return nil }
    return .init(
      .currencyMismatch, "/currency",
      "The prices are in \(catalog.currency), not in \(currency); order in that.")
  }

  private func totalFinding(_ order: OrderRequest) -> Finding? {
    guard let price = priceOf(order) else {
      return .init(
        .totalOutOfRange, "/items", "The total is more than can be counted; order less, or in several orders."
      )
    }
    guard let stated = order.total, stated != price.total.minorUnits else { return nil }
    let shownTotal = Money(minorUnits: stated, currency: catalog.currency)
    return .init(
      .totalMismatch, "/total",
      "The items cost \(price.total) (\(price.total.minorUnits) in minor units), not \(shownTotal).")
  }
}

extension Finding {
  init(_ code: TransactionRuleCode, _ field: String, _ message: String) {
    self.init(code: code.rawValue, field: field, message: message)
  }
}
