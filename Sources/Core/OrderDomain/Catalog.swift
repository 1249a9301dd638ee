/// What can be ordered, and at what price: `catalog.json`.
package struct Catalog: Sendable, Hashable, Codable {
  /// The one currency of all prices.
  package var currency: Currency
  package var items: [CatalogItem]

  package init(currency: Currency, items: [CatalogItem]) {
    self.currency = currency
    self.items = items
  }

  /// What is wrong with it, one sentence each, naming the field; empty when it can be used.
  package func problems() -> [String] {
    var problems: [String] = []
    var seen: Set<String> = []
    if items.isEmpty { problems.append("items: must hold at least one item") }
    for (index, item) in items.enumerated() {
      if item.sku.isEmpty || item.sku.utf8.count > 64 {
        problems.append("items[\(index)].sku: must be 1 to 64 bytes long")
      }
      if !seen.insert(item.sku).inserted {
        problems.append("items[\(index)].sku: '\(item.sku)' stands twice")
      }
      if item.price < 0 { problems.append("items[\(index)].price: must not be negative, is \(item.price)") }
    }
    return problems
  }

  /// Items by SKU. The first wins where one stands twice, which `problems()` reports.
  package func itemsBySKU() -> [String: CatalogItem] {
    Dictionary(items.map { ($0.sku, $0) }, uniquingKeysWith: { first, _ in first })
  }
}

package struct CatalogItem: Sendable, Hashable, Codable {
  /// Stock-keeping unit, the item's identity; 1 to 64 bytes.
  package var sku: String
  package var title: String
  /// In minor units of the catalog's currency; not negative.
  package var price: Int64
  /// What the item is about (`science-fiction`, `cooking` …), for suggestions.
  package var tags: [String]

  package init(sku: String, title: String, price: Int64, tags: [String] = []) {
    self.sku = sku
    self.title = title
    self.price = price
    self.tags = tags
  }
}
