package import CoreTime
package import OrderDomain

/// Ranks what else could go into a basket: by what others bought together with its items (item-to-item
/// cosine similarity: Linden, Smith, York, "Amazon.com Recommendations", 2003), what of late more than
/// what long ago; by what is like them, for items that nobody bought yet; and then by what sells best.
///
/// Learning and suggesting cost the same after a million orders as after ten, and memory is bounded by
/// the limits and the catalog. Equal inputs give equal results: ties are broken by SKU.
package struct SuggestionModel: Sendable {
  package let limits: Limits
  let tuning: Tuning
  var catalog: ContentIndex
  var decay: Decay
  /// What is known of the items that were bought; items that left the catalog stay until room is needed,
  /// as they may come back.
  var rows: [Row] = []
  var rowBySKU: [String: Int32] = [:]
  var bestsellers = Bestsellers()
  /// Baskets learned from, since the beginning of the model.
  package internal(set) var baskets: UInt64 = 0

  /// Bounds of memory and of the work for one basket. All at least 1.
  package struct Limits: Sendable, Hashable {
    /// Items that are counted. When there is no room, the eighth that is bought least is forgotten.
    package var items: Int
    /// Partners that are counted for each item; beyond it, the rarest gives way.
    package var partners: Int
    /// Items of one basket that are looked at.
    package var basket: Int

    package init(items: Int = 10_000, partners: Int = 100, basket: Int = 32) {
      self.items = items
      self.partners = partners
      self.basket = basket
    }
  }

  /// How scores are made. The defaults are from the evaluation (docs/SUGGESTIONS.md).
  package struct Tuning: Sendable, Hashable {
    /// After this time an order counts half.
    package var halfLife: Duration
    /// Shrinkage, in orders: a pair that was bought together so often counts half of its similarity.
    package var doubt: Double
    /// What being alike counts, beside having been bought together.
    package var likeness: Double
    /// What selling well counts: little, but it decides where nothing else is known.
    package var popularity: Double

    package init(
      halfLife: Duration = .seconds(90 * 86_400), doubt: Double = 1, likeness: Double = 0.05,
      popularity: Double = 0.05
    ) {
      self.halfLife = halfLife
      self.doubt = doubt
      self.likeness = likeness
      self.popularity = popularity
    }
  }

  /// What is known of one item.
  struct Row: Sendable, Hashable {
    let sku: String
    /// Of the baskets with it.
    var weight: Double
    var neighbours = Neighbours()
    /// In the catalog.
    var isSold: Bool
  }

  /// Limits below 1 count as 1. `catalog` is expected to have no `problems()`.
  package init(catalog: Catalog, limits: Limits = Limits(), tuning: Tuning = Tuning()) {
    self.limits = Limits(
      items: max(1, limits.items), partners: max(1, limits.partners), basket: max(1, limits.basket))
    self.tuning = tuning
    self.catalog = ContentIndex(catalog)
    decay = Decay(halfLife: tuning.halfLife)
  }

  /// How many items of the catalog have been in a basket.
  package var knownItems: Int { rows.count { $0.isSold } }

  /// How many items are counted.
  package var countedItems: Int { rows.count }

  /// Most partners that any item has.
  package var mostPartners: Int { rows.map(\.neighbours.entries.count).max() ?? 0 }

  /// Changes what can be suggested.
  package mutating func replaceCatalog(_ catalog: Catalog) {
    self.catalog = ContentIndex(catalog)
    for row in rows.indices { rows[row].isSold = self.catalog.holds(rows[row].sku) }
    rankBestsellers()
  }

  /// An order with these SKUs was executed at `time`. Doubles, and what is not in the catalog, are left
  /// out.
  ///
  /// Returns how many entries were looked at: at most `basket`² × `partners` of the limits.
  @discardableResult
  package mutating func learn(basket: [String], at time: Timestamp) -> Int {
    let skus = Array(known(basket).prefix(limits.items))
    guard !skus.isEmpty else { return 0 }
    if baskets < .max { baskets += 1 }
    let (weight, factor) = decay.advance(to: time)
    if let factor { scale(by: factor) }
    // An order from before all memory: it is counted, and changes nothing.
    guard weight > 0 else { return 0 }
    admit(skus)
    let members = skus.compactMap { rowBySKU[$0] }
    var visited = 0
    for row in members {
      rows[Int(row)].weight += weight
      bestsellers.note(row, rows)
      for partner in members where partner != row {
        visited += rows[Int(row)].neighbours.meet(partner, weight: weight, capacity: limits.partners)
      }
    }
    return visited
  }

  /// The basket's SKUs that are in the catalog, each once, at most `limits.basket`.
  func known(_ basket: [String]) -> [String] {
    var seen: Set<String> = []
    var skus: [String] = []
    for sku in basket.prefix(limits.basket * 4) where catalog.holds(sku) && skus.count < limits.basket {
      if seen.insert(sku).inserted { skus.append(sku) }
    }
    return skus
  }

  private mutating func rankBestsellers() { bestsellers = Bestsellers(rows) }

  private mutating func admit(_ skus: [String]) {
    let new = skus.filter { rowBySKU[$0] == nil }
    if rows.count + new.count > limits.items { makeRoom(for: new.count, sparing: Set(skus)) }
    for sku in new {
      rowBySKU[sku] = Int32(rows.count)
      rows.append(Row(sku: sku, weight: 0, isSold: true))
    }
  }

  /// Forgets the eighth of the items that is bought least, so that this is seldom needed.
  private mutating func makeRoom(for count: Int, sparing skus: Set<String>) {
    let surplus = max(rows.count + count - limits.items, limits.items / 8)
    let candidates = rows.indices.filter { !skus.contains(rows[$0].sku) }
    let least = candidates.sorted { (rows[$0].weight, rows[$0].sku) < (rows[$1].weight, rows[$1].sku) }
    let gone = Set(least.prefix(surplus))
    var numbers: [Int32?] = []
    var kept: [Row] = []
    for (index, row) in rows.enumerated() {
      numbers.append(gone.contains(index) ? nil : Int32(kept.count))
      if !gone.contains(index) { kept.append(row) }
    }
    for index in kept.indices { kept[index].neighbours.renumber(numbers) }
    rows = kept
    number()
  }

  /// After rows have come or gone by other ways than the end.
  mutating func number() {
    rowBySKU = Dictionary(
      rows.enumerated().map { ($0.element.sku, Int32($0.offset)) }, uniquingKeysWith: { first, _ in first })
    rankBestsellers()
  }

  mutating func scale(by factor: Double) {
    for row in rows.indices {
      rows[row].weight *= factor
      rows[row].neighbours.scale(by: factor)
    }
  }
}
