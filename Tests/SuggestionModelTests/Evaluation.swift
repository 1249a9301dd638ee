import CoreTime
import OrderDomain
import Randomness
import SuggestionModel

/// Takes one item out of each later order and asks what goes with the rest: leave-one-out.
struct Evaluation {
  static let depths = [1, 3, 5, 10]

  struct Result {
    var hits: [Int: Int] = [:]
    var cases = 0
    /// Different items that were suggested among the first three, and items that could have been.
    var suggested = 0
    var items = 0

    var coverage: Double { Double(suggested) / Double(max(items, 1)) }

    /// The share of the cases whose missing item is among the first `depth` suggestions.
    static func + (left: Result, right: Result) -> Result {
      Result(
        hits: left.hits.merging(right.hits, uniquingKeysWith: +), cases: left.cases + right.cases,
        suggested: left.suggested + right.suggested, items: left.items + right.items)
    }

    func hitRate(_ depth: Int) -> Double { Double(hits[depth, default: 0]) / Double(max(cases, 1)) }
  }

  let catalog: Catalog
  let learned: ArraySlice<GeneratedShop.Order>
  let heldOut: [GeneratedShop.Order]

  /// The last fifth of the orders is held out. `learning`: only so many orders, the latest before those;
  /// nil = all.
  init(_ shop: GeneratedShop, learning: Int? = nil) {
    catalog = shop.catalog
    let cut = shop.orders.count * 4 / 5
    learned = shop.orders[..<cut].suffix(learning ?? cut)
    heldOut = shop.orders[cut...].filter { $0.skus.count > 1 }
  }

  /// `rank`: at most ten suggestions for a cart.
  func run(_ rank: ([String]) -> [String]) -> Result {
    var result = Result(items: catalog.items.count)
    var suggested: Set<String> = []
    for (number, order) in heldOut.enumerated() {
      let missing = order.skus[number % order.skus.count]
      let suggestions = rank(order.skus.filter { $0 != missing })
      result.cases += 1
      suggested.formUnion(suggestions.prefix(3))
      let place = suggestions.firstIndex(of: missing) ?? .max
      for depth in Self.depths where place < depth { result.hits[depth, default: 0] += 1 }
    }
    result.suggested = suggested.count
    return result
  }

  func model(_ tuning: SuggestionModel.Tuning = .init()) -> Result {
    var model = SuggestionModel(catalog: catalog, tuning: tuning)
    for order in learned { model.learn(basket: order.skus, at: order.at) }
    return run { model.suggest(for: $0, limit: 10).map(\.sku) }
  }

  /// What sells best, of late more than what long ago: the same decay as the model's.
  func popularity(halfLife: Duration) -> Result {
    var model = SuggestionModel(
      catalog: catalog, limits: .init(partners: 1),
      tuning: .init(halfLife: halfLife, likeness: 0, popularity: 1))
    for order in learned { for sku in order.skus { model.learn(basket: [sku], at: order.at) } }
    return run { model.suggest(for: $0, limit: 10).map(\.sku) }
  }

  func random(seed: UInt64) -> Result {
    var random = SplitMix64(seed: seed)
    let skus = catalog.items.map(\.sku)
    return run { cart in
      Array(skus.shuffled(using: &random).lazy.filter { !cart.contains($0) }.prefix(10))
    }
  }
}

/// A row of the table in docs/SUGGESTIONS.md.
func row(_ name: String, _ result: Evaluation.Result) -> String {
  let rates = Evaluation.depths.map { percent(result.hitRate($0)) }
  return "| \(([name] + rates + [percent(result.coverage)]).joined(separator: " | ")) |"
}

private func percent(_ share: Double) -> String {
  let tenths = Int((share * 1_000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
