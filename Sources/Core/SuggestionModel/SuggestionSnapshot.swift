package import CoreTime
package import OrderDomain

/// What a model has learned, for storing. A model that continues from its snapshot goes on exactly as the
/// one that it was taken from.
package struct SuggestionSnapshot: Sendable, Hashable {
  package var baskets: UInt64 = 0
  /// What the weights were made with. Milliseconds.
  package var halfLife: Double
  package var landmark: Timestamp?
  package var latest: Timestamp?
  package var items: [Item] = []

  package struct Item: Sendable, Hashable {
    package var sku: String
    package var weight: Double
    package var partners: [Partner]
  }

  package struct Partner: Sendable, Hashable {
    /// Index in `items`.
    package var item: Int32
    package var weight: Double
    package var inherited: Double
  }
}

extension SuggestionModel {
  package var snapshot: SuggestionSnapshot {
    SuggestionSnapshot(
      baskets: baskets, halfLife: decay.halfLife, landmark: decay.landmark, latest: decay.latest,
      items: rows.map { row in
        .init(
          sku: row.sku, weight: row.weight,
          partners: row.neighbours.entries.map {
            .init(item: $0.row, weight: $0.weight, inherited: $0.inherited)
          })
      })
  }

  /// Continues from `snapshot`. Of what is beyond the limits, the least is left out. A half-life that was
  /// changed holds from the snapshot's latest order on.
  package init(
    catalog: Catalog, limits: Limits = Limits(), tuning: Tuning = Tuning(), snapshot: SuggestionSnapshot
  ) {
    self.init(catalog: catalog, limits: limits, tuning: tuning)
    baskets = snapshot.baskets
    let kept = Self.heaviest(snapshot.items.indices.map { snapshot.items[$0].weight }, self.limits.items)
    var numbers = [Int32?](repeating: nil, count: snapshot.items.count)
    for (row, index) in kept.enumerated() { numbers[index] = Int32(row) }
    for index in kept {
      let item = snapshot.items[index]
      let entries = item.partners.compactMap { partner in
        numbers[Int(partner.item)].map {
          Neighbours.Entry(row: $0, weight: partner.weight, inherited: partner.inherited)
        }
      }
      let best = Self.heaviest(entries.map(\.weight), self.limits.partners).map { entries[$0] }
      rows.append(
        Row(
          sku: item.sku, weight: item.weight, neighbours: Neighbours(best),
          isSold: self.catalog.holds(item.sku)))
    }
    let stored = Decay(
      halfLife: snapshot.halfLife, landmark: snapshot.landmark, latest: snapshot.latest)
    if stored.halfLife == decay.halfLife {
      decay = stored
    } else {
      decay = Decay(halfLife: decay.halfLife, landmark: snapshot.latest, latest: snapshot.latest)
      if stored.unit > 0 { scale(by: 1 / stored.unit) }
    }
    number()
  }

  /// The indices of the `count` greatest, in their order.
  private static func heaviest(_ weights: [Double], _ count: Int) -> [Int] {
    guard weights.count > count else { return Array(weights.indices) }
    return weights.indices.sorted { (weights[$1], $0) < (weights[$0], $1) }.prefix(count).sorted()
  }
}
