import OrderDomain

/// The catalog by what its items are: the way to suggest something that nobody has bought yet.
///
/// Two items are alike when they share tags, rare ones above all, and cost about the same.
struct ContentIndex: Sendable {
  /// Tags of one item that are looked at.
  static let maximumTags = 16

  private struct Item: Sendable {
    let sku: String
    let price: Int64
    /// The rarest first.
    var tags: [Int32] = []
    /// The sum of the tags' weights.
    var weight = 0.0
  }

  private struct Tag: Sendable {
    var weight = 0.0
    /// By price, then SKU, so that those of about the same price stand together.
    var items: [Int32] = []
  }

  /// By price, then SKU.
  private let items: [Item]
  private let tags: [Tag]
  private let positions: [String: Int32]
  /// All SKUs, in alphabetical order.
  let skus: [String]

  /// `catalog` is expected to have no `problems()`.
  init(_ catalog: Catalog) {
    let sorted = catalog.itemsBySKU().values.sorted { ($0.price, $0.sku) < ($1.price, $1.sku) }
    var numbers: [String: Int32] = [:]
    var found: [Tag] = []
    var items = sorted.map { Item(sku: $0.sku, price: $0.price) }
    for (position, item) in sorted.enumerated() {
      for name in Set(item.tags).sorted().prefix(Self.maximumTags) {
        let tag = numbers[name] ?? Int32(found.count)
        if numbers.updateValue(tag, forKey: name) == nil { found.append(Tag()) }
        found[Int(tag)].items.append(Int32(position))
        items[position].tags.append(tag)
      }
    }
    // A tag that half the catalog has says little.
    for tag in found.indices { found[tag].weight = 1 / Double(found[tag].items.count).squareRoot() }
    for position in items.indices {
      items[position].tags.sort { (found[Int($0)].items.count, $0) < (found[Int($1)].items.count, $1) }
      items[position].weight = items[position].tags.reduce(0) { $0 + found[Int($1)].weight }
    }
    self.items = items
    tags = found
    positions = Dictionary(
      items.enumerated().map { ($0.element.sku, Int32($0.offset)) }, uniquingKeysWith: { first, _ in first })
    skus = sorted.map(\.sku).sorted()
  }

  func holds(_ sku: String) -> Bool { positions[sku] != nil }

  /// Calls `body` with items like `sku` and their likeness, above 0 and at most 1, each once; not with
  /// `sku` itself. Looks at no more than `budget` items, of the rarest tags first, and of those the
  /// nearest in price. Returns how many it has looked at.
  func alike(to sku: String, budget: Int, _ body: (String, Double) -> Void) -> Int {
    guard let own = positions[sku] else { return 0 }
    var seen: Set<Int32> = [own]
    var visited = 0
    for tag in items[Int(own)].tags {
      let members = tags[Int(tag)].items
      var above = firstIndex(in: members, after: own)
      var below = above - 1
      while visited < budget, below >= 0 || above < members.count {
        // Outwards in both directions, in turn, as far as there is something.
        let upwards = below < 0 || (above < members.count && visited.isMultiple(of: 2))
        let next = upwards ? members[above] : members[below]
        if upwards { above += 1 } else { below -= 1 }
        visited += 1
        if seen.insert(next).inserted { body(items[Int(next)].sku, likeness(own, next)) }
      }
    }
    return visited
  }

  /// The cosine of the tags, of which at most a half is taken off for a different price.
  private func likeness(_ left: Int32, _ right: Int32) -> Double {
    let (left, right) = (items[Int(left)], items[Int(right)])
    let common = left.tags.reduce(0.0) { right.tags.contains($1) ? $0 + tags[Int($1)].weight : $0 }
    let (low, high) = (Double(min(left.price, right.price)), Double(max(left.price, right.price)))
    let price = high > 0 ? low / high : 1
    return common / (left.weight * right.weight).squareRoot() * (0.5 + 0.5 * price)
  }

  private func firstIndex(in members: [Int32], after item: Int32) -> Int {
    var (low, high) = (0, members.count)
    while low < high {
      let middle = (low + high) / 2
      if members[middle] <= item { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
