package import OrderDomain

/// Ranks what else could go into a basket: first what others bought together with its items (item-to-item
/// cosine similarity: Linden, Smith, York, "Amazon.com Recommendations", 2003), then what shares tags with
/// them, then what sells best.
///
/// Learning and suggesting cost the same after a million orders as after ten, and memory is bounded by the
/// limits and the catalog. Equal inputs give equal results: ties are broken by SKU.
package struct SuggestionModel: Sendable {
  package let limits: Limits
  var items: [String: CatalogItem]
  var skusByTag: [String: [String]] = [:]
  var statistics: [String: Statistics] = [:]
  /// Baskets learned from, since the beginning of the model.
  package internal(set) var baskets: UInt64 = 0

  /// Bounds of memory and of the work for one basket. All at least 1.
  package struct Limits: Sendable, Hashable {
    /// Items that are counted; further ones of the catalog get content and popularity suggestions only.
    package var items: Int
    /// Partners that are counted for each item; beyond it, the rarest gives way.
    package var partners: Int
    /// Items of one basket that are looked at.
    package var basket: Int

    package init(items: Int = 10_000, partners: Int = 64, basket: Int = 32) {
      self.items = items
      self.partners = partners
      self.basket = basket
    }
  }

  /// What is known of one item.
  struct Statistics: Sendable, Hashable {
    /// Baskets with it.
    var count: Int
    /// Baskets with both, by the partner's SKU.
    var partners: [String: Int] = [:]
  }

  /// Counters stop here, far from where sums and products of them would overflow.
  static let maxCount = 1 << 40

  /// Limits below 1 count as 1. `catalog` is expected to have no `problems()`.
  package init(catalog: Catalog, limits: Limits = Limits()) {
    self.limits = Limits(
      items: max(1, limits.items), partners: max(1, limits.partners), basket: max(1, limits.basket))
    items = [:]
    replaceCatalog(catalog)
  }

  /// How many items have been in a basket.
  package var knownItems: Int { statistics.count }

  /// Most partners that any item has.
  package var mostPartners: Int { statistics.values.map(\.partners.count).max() ?? 0 }

  /// Changes what can be suggested. What was learned of items that are gone is forgotten.
  package mutating func replaceCatalog(_ catalog: Catalog) {
    items = catalog.itemsBySKU()
    skusByTag = [:]
    for item in items.values {
      for tag in Set(item.tags) { skusByTag[tag, default: []].append(item.sku) }
    }
    statistics = statistics.filter { items[$0.key] != nil }
    for (sku, own) in statistics {
      statistics[sku]?.partners = own.partners.filter { items[$0.key] != nil }
    }
  }

  /// An order with these SKUs was approved. Doubles, and what is not in the catalog, are left out.
  package mutating func learn(basket: [String]) {
    let skus = known(basket).filter { statistics[$0] != nil || admit($0) }
    guard !skus.isEmpty else { return }
    if baskets < .max { baskets += 1 }
    for sku in skus {
      // Taken out and put back, so that the partners are changed in place and not copied.
      guard var own = statistics.removeValue(forKey: sku) else { continue }
      own.count = min(own.count + 1, Self.maxCount)
      for partner in skus where partner != sku { own.meet(partner, capacity: limits.partners) }
      statistics[sku] = own
    }
  }

  /// The basket's SKUs that are in the catalog, each once, at most `limits.basket`.
  func known(_ basket: [String]) -> [String] {
    var seen: Set<String> = []
    var skus: [String] = []
    for sku in basket.prefix(limits.basket * 4) where items[sku] != nil && skus.count < limits.basket {
      if seen.insert(sku).inserted { skus.append(sku) }
    }
    return skus
  }

  private mutating func admit(_ sku: String) -> Bool {
    guard statistics.count < limits.items else { return false }
    statistics[sku] = Statistics(count: 0)
    return true
  }
}

extension SuggestionModel.Statistics {
  /// Counts one more basket with `partner`. When there is no room for a new one, it takes over the place and
  /// the count of the rarest: "Space-Saving" (Metwally, Agrawal, El Abbadi, 2005), which keeps every frequent
  /// partner.
  mutating func meet(_ partner: String, capacity: Int) {
    let maxCount = SuggestionModel.maxCount
    if let count = partners[partner] {
      partners[partner] = min(count + 1, maxCount)
    } else if partners.count < capacity {
      partners[partner] = 1
    } else if let rarest = partners.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
      partners[rarest.key] = nil
      partners[partner] = min(rarest.value + 1, maxCount)
    }
  }
}
