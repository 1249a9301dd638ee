import CoreTime
import OrderDomain
import Randomness
import Testing

@testable import SuggestionModel

private let shop: [(sku: String, tags: [String])] = [
  ("dune", ["science-fiction", "classic"]), ("solaris", ["science-fiction", "classic"]),
  ("hyperion", ["science-fiction"]), ("emma", ["classic"]), ("mug", ["kitchen"]),
  ("teapot", ["kitchen", "tea"]),
  ("lamp", []),
]

/// Nothing but what was bought together: for tests that calculate scores.
private let togetherOnly = SuggestionModel.Tuning(doubt: 0, likeness: 0, popularity: 0)

@Test func boughtTogetherThenSimilarThenPopular() throws {
  var model = SuggestionModel(catalog: try catalog(shop))
  for _ in 0..<3 { model.learn(basket: ["dune", "mug"]) }
  model.learn(basket: ["lamp"])
  #expect(
    brief(model.suggest(for: ["dune"], limit: 10)) == [
      "mug bought_together", "solaris similar", "emma similar", "hyperion similar", "lamp popular",
      "teapot popular",
    ])
}

/// What everybody buys goes with nothing in particular.
@Test func theCosinePrefersWhatBelongsTogether() throws {
  var model = SuggestionModel(catalog: try catalog(shop), tuning: togetherOnly)
  for _ in 0..<4 { model.learn(basket: ["dune", "solaris", "mug"]) }
  for _ in 0..<96 { model.learn(basket: ["mug"]) }
  let suggestions = model.suggest(for: ["dune"], limit: 2)
  #expect(brief(suggestions) == ["solaris bought_together", "mug bought_together"])
  #expect(suggestions.map(\.score) == [1, 0.2])
}

/// A pair that was seen once is doubted; the same share of many orders is not.
@Test func onePurchaseProvesLittle() throws {
  var model = SuggestionModel(
    catalog: try catalog(shop), tuning: .init(doubt: 3, likeness: 0, popularity: 0))
  model.learn(basket: ["dune", "mug"])
  #expect(model.suggest(for: ["mug"], limit: 1).map(\.score) == [0.25])
  for _ in 0..<96 { model.learn(basket: ["solaris", "emma"]) }
  #expect(model.suggest(for: ["emma"], limit: 1).map(\.score) == [96.0 / 99])
}

@Test func whatIsRecentCountsMore() throws {
  let halfLife = Duration.seconds(86_400)
  var model = SuggestionModel(
    catalog: try catalog(shop), tuning: .init(halfLife: halfLife, doubt: 1, likeness: 0, popularity: 0))
  for _ in 0..<3 { model.learn(basket: ["dune", "mug"], at: day(0)) }
  model.learn(basket: ["dune", "lamp"], at: day(2))
  #expect(model.suggest(for: ["dune"], limit: 1).map(\.sku) == ["lamp"])
  // An order that comes late counts as what it is: old.
  for _ in 0..<3 { model.learn(basket: ["dune", "emma"], at: day(0)) }
  #expect(model.suggest(for: ["dune"], limit: 1).map(\.sku) == ["lamp"])
}

@Test func theWholeCartCounts() throws {
  var model = SuggestionModel(catalog: try catalog(shop))
  for _ in 0..<2 { model.learn(basket: ["dune", "emma"]) }
  for _ in 0..<2 { model.learn(basket: ["solaris", "emma"]) }
  model.learn(basket: ["dune", "hyperion"])
  #expect(model.suggest(for: ["dune", "solaris"], limit: 1).map(\.sku) == ["emma"])
}

@Test func aNewShopSuggestsByTagsAndName() throws {
  let model = SuggestionModel(catalog: try catalog(shop))
  #expect(brief(model.suggest(for: ["teapot"], limit: 2)) == ["mug similar", "dune popular"])
  #expect(brief(model.suggest(for: [], limit: 2)) == ["dune popular", "emma popular"])
  #expect(model.suggest(for: [], limit: 7).allSatisfy { $0.score == 0 })
}

@Test(arguments: [(Int.min, 0), (-1, 0), (0, 0), (1, 1), (6, 6), (Int.max, 6)])
func theLimitHolds(limit: Int, count: Int) throws {
  let model = SuggestionModel(catalog: try catalog(shop))
  #expect(model.suggest(for: ["dune"], limit: limit).count == count)
}

@Test func strangersAndDoublesAreNotLearned() throws {
  var model = SuggestionModel(catalog: try catalog(shop))
  model.learn(basket: ["nothing", "", "dune", "dune"])
  #expect(model.knownItems == 1 && model.mostPartners == 0)
  #expect(model.snapshot.items.map(\.weight) == [1])
  model.learn(basket: ["nothing"])
  model.learn(basket: [])
  #expect(model.baskets == 1)
}

@Test func whatLeavesTheCatalogIsNotSuggestedUntilItComesBack() throws {
  var model = SuggestionModel(catalog: try catalog(shop))
  for _ in 0..<2 { model.learn(basket: ["dune", "mug", "lamp"]) }
  model.replaceCatalog(try catalog([("dune", []), ("mug", []), ("new", [])]))
  #expect(model.knownItems == 2 && model.countedItems == 3)
  #expect(brief(model.suggest(for: ["dune"], limit: 10)) == ["mug bought_together", "new popular"])
  model.replaceCatalog(try catalog(shop))
  let skus = model.suggest(for: ["dune"], limit: 2).map(\.sku)
  #expect(skus == ["lamp", "mug"])
}

@Test func likeIsWhatSharesRareTagsAndCostsAboutTheSame() throws {
  let items: [(String, Int64, [String])] = [
    ("own", 1_000, ["rare", "common"]), ("rare", 1_000, ["rare"]), ("common", 1_000, ["common"]),
    ("dear", 9_000, ["rare"]), ("other", 1_000, ["common"]), ("third", 1_000, ["common"]),
  ]
  let model = SuggestionModel(
    catalog: Catalog(
      currency: try #require(Currency("EUR")),
      items: items.map { CatalogItem(sku: $0.0, title: "", price: $0.1, tags: $0.2) }))
  let suggestions = model.suggest(for: ["own"], limit: 4)
  #expect(suggestions.map(\.sku) == ["rare", "common", "other", "third"])
  #expect(suggestions.allSatisfy { $0.reason == .similar })
}

/// Never what is in the cart or out of the catalog, none twice, best first, the same twice, scores within
/// 0 … 1.
@Test(arguments: UInt64(1)...30) func suggestionsKeepTheirPromises(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  let tags = ["a", "b", "c", "d"]
  let stock = try catalog(
    (0..<20).map { ("item-\($0)", tags.filter { _ in Bool.random(using: &random) }) })
  let skus = Set(stock.items.map(\.sku))
  func basket() -> [String] {
    (0..<Int.random(in: 0...8, using: &random)).map { _ in "item-\(Int.random(in: 0...24, using: &random))" }
  }
  var model = SuggestionModel(catalog: stock, limits: .init(items: 15, partners: 4, basket: 6))
  var twin = model
  for _ in 0..<200 {
    let bought = basket()
    let time = day(Int.random(in: 0...9, using: &random))
    model.learn(basket: bought, at: time)
    twin.learn(basket: bought, at: time)
    #expect(model.countedItems <= 15 && model.mostPartners <= 4)
    let cart = basket()
    let suggestions = model.suggest(for: cart, limit: 12)
    #expect(suggestions == twin.suggest(for: cart.reversed(), limit: 12) || cart.count > 6)
    #expect(suggestions.count == min(12, skus.subtracting(cart).count))
    #expect(Set(suggestions.map(\.sku)).count == suggestions.count)
    #expect(suggestions.allSatisfy { skus.contains($0.sku) && !cart.contains($0.sku) })
    #expect(suggestions.allSatisfy { (0...1).contains($0.score) })
    for (left, right) in zip(suggestions, suggestions.dropFirst()) {
      #expect(left.score > right.score || (left.score == right.score && left.sku < right.sku))
    }
  }
}

@Test func memoryIsBoundedHoweverMuchIsLearned() throws {
  var random = SplitMix64(seed: 7)
  var model = SuggestionModel(
    catalog: try plainCatalog(500), limits: .init(items: 100, partners: 8, basket: 10))
  for _ in 0..<2_000 {
    model.learn(basket: (0..<50).map { _ in "item-\(Int.random(in: 0..<500, using: &random))" })
  }
  // When there is no room an eighth is forgotten.
  #expect((88...100).contains(model.countedItems))
  #expect(model.mostPartners == 8)
  #expect(model.snapshot.items.count == model.countedItems)
}

/// Space-Saving: a frequent partner is not driven out by a stream of rare ones.
@Test func aFrequentPartnerSurvivesAStreamOfRareOnes() throws {
  var model = SuggestionModel(
    catalog: try plainCatalog(300), limits: .init(items: 1_000, partners: 4, basket: 32))
  for number in 2..<300 {
    model.learn(basket: ["item-0", "item-1"])
    model.learn(basket: ["item-0", "item-\(number)"])
  }
  #expect(model.suggest(for: ["item-0"], limit: 1).map(\.sku) == ["item-1"])
  // Who took over the place of many has their weight, but not their merit.
  let entries = try #require(model.rows.first { $0.sku == "item-0" }).neighbours.entries
  #expect(entries.filter { $0.weight > 50 }.count == 4 && entries.filter { $0.certain > 50 }.count == 1)
}

/// Frequent items are not driven out by a stream of rare ones.
@Test func aFrequentItemSurvivesAStreamOfRareOnes() throws {
  var model = SuggestionModel(
    catalog: try plainCatalog(300), limits: .init(items: 16, partners: 4, basket: 32))
  for number in 2..<300 {
    model.learn(basket: ["item-0", "item-1"])
    model.learn(basket: ["item-\(number)"])
  }
  #expect(model.suggest(for: ["item-0"], limit: 1).map(\.sku) == ["item-1"])
  #expect(model.suggest(for: ["item-1"], limit: 1).first?.reason == .boughtTogether)
}

@Test(arguments: UInt64(1)...5) func theBestsellersAreExact(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  var model = SuggestionModel(catalog: try plainCatalog(400), limits: .init(items: 350, partners: 2))
  for step in 0..<1_500 {
    let basket = (0..<3).map { _ in "item-\(min(399, Int.random(in: 0..<5_000, using: &random) / 12))" }
    model.learn(basket: basket, at: day(step / 100))
    if step.isMultiple(of: 250) { #expect(model.bestsellers == Bestsellers(model.rows)) }
  }
  #expect(model.bestsellers == Bestsellers(model.rows))
  #expect(model.bestsellers.ranked.count == Bestsellers.capacity)
}

@Test func limitsBelowOneCountAsOne() throws {
  var model = SuggestionModel(
    catalog: try plainCatalog(3), limits: .init(items: 0, partners: -5, basket: .min))
  model.learn(basket: ["item-0", "item-1"])
  #expect(model.knownItems == 1)
  #expect(model.limits == .init(items: 1, partners: 1, basket: 1))
}
