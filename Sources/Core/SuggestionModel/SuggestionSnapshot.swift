package import OrderDomain

/// What a model has learned, for storing. Equal models give equal snapshots: everything in it is sorted.
package struct SuggestionSnapshot: Sendable, Hashable, Codable {
  package var baskets: UInt64
  package var items: [Item]

  package struct Item: Sendable, Hashable, Codable {
    package var sku: String
    package var count: Int
    package var partners: [Partner]
  }

  package struct Partner: Sendable, Hashable, Codable {
    package var sku: String
    package var count: Int
  }
}

extension SuggestionModel {
  package var snapshot: SuggestionSnapshot {
    SuggestionSnapshot(
      baskets: baskets,
      items: statistics.sorted { $0.key < $1.key }.map { sku, own in
        .init(
          sku: sku, count: own.count,
          partners: own.partners.sorted { $0.key < $1.key }.map { .init(sku: $0.key, count: $0.value) })
      })
  }

  /// Continues from `snapshot`. What is not in `catalog`, is beyond the limits (the rarest is left out),
  /// stands twice or has a count that cannot be is dropped: a damaged file costs suggestions, never the
  /// service.
  package init(catalog: Catalog, limits: Limits = Limits(), snapshot: SuggestionSnapshot) {
    self.init(catalog: catalog, limits: limits)
    let counts = 1...Self.maxCount
    let kept = snapshot.items.filter { items[$0.sku] != nil && counts.contains($0.count) }
    for item in kept.sorted(by: { ($1.count, $0.sku) < ($0.count, $1.sku) }).prefix(self.limits.items) {
      guard statistics[item.sku] == nil else { continue }
      let partners = item.partners.filter {
        items[$0.sku] != nil && $0.sku != item.sku && counts.contains($0.count)
      }
      let best = partners.sorted(by: { ($1.count, $0.sku) < ($0.count, $1.sku) }).prefix(self.limits.partners)
      statistics[item.sku] = Statistics(
        count: item.count,
        partners: Dictionary(best.map { ($0.sku, $0.count) }, uniquingKeysWith: { first, _ in first }))
    }
    baskets = max(snapshot.baskets, UInt64(statistics.values.map(\.count).max() ?? 0))
  }
}
