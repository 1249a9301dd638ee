import OrderDomain
import SuggestionModel
import Testing

private let shop: [(sku: String, tags: [String])] = [
  ("dune", ["science-fiction", "classic"]), ("solaris", ["science-fiction", "classic"]),
  ("hyperion", ["science-fiction"]), ("emma", ["classic"]), ("mug", ["kitchen"]),
  ("teapot", ["kitchen", "tea"]),
  ("lamp", []),
]

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
  var model = SuggestionModel(catalog: try catalog(shop))
  for _ in 0..<4 { model.learn(basket: ["dune", "solaris", "mug"]) }
  for _ in 0..<96 { model.learn(basket: ["mug"]) }
  let suggestions = model.suggest(for: ["dune"], limit: 2)
  #expect(brief(suggestions) == ["solaris bought_together", "mug bought_together"])
  #expect(suggestions.map(\.score) == [1, 0.2])
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
  #expect(model.snapshot.items.map(\.count) == [1])
  model.learn(basket: ["nothing"])
  model.learn(basket: [])
  #expect(model.baskets == 1)
}

@Test func aChangedCatalogForgetsWhatIsGone() throws {
  var model = SuggestionModel(catalog: try catalog(shop))
  model.learn(basket: ["dune", "mug", "lamp"])
  model.replaceCatalog(try catalog([("dune", []), ("mug", []), ("new", [])]))
  #expect(model.knownItems == 2)
  #expect(brief(model.suggest(for: ["dune"], limit: 10)) == ["mug bought_together", "new popular"])
  #expect(!model.snapshot.items.contains { $0.partners.contains { $0.sku == "lamp" } })
}

/// Never what is in the cart or out of the catalog, none twice, best first, the same twice, scores within 0 … 1.
@Test(arguments: UInt64(1)...30) func suggestionsKeepTheirPromises(seed: UInt64) throws {
  var random = SeededRandom(state: seed)
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
    model.learn(basket: bought)
    twin.learn(basket: bought)
    #expect(model.knownItems <= 15 && model.mostPartners <= 4)
    let cart = basket()
    let suggestions = model.suggest(for: cart, limit: 12)
    #expect(suggestions == twin.suggest(for: cart.reversed(), limit: 12) || cart.count > 6)
    #expect(suggestions.count == min(12, skus.subtracting(cart).count))
    #expect(Set(suggestions.map(\.sku)).count == suggestions.count)
    #expect(suggestions.allSatisfy { skus.contains($0.sku) && !cart.contains($0.sku) })
    #expect(suggestions.allSatisfy { (0...1).contains($0.score) })
    for (left, right) in zip(suggestions, suggestions.dropFirst()) where left.reason == right.reason {
      #expect(left.score > right.score || (left.score == right.score && left.sku < right.sku))
    }
    let ranks = suggestions.compactMap { Suggestion.Reason.allCases.firstIndex(of: $0.reason) }
    #expect(ranks == ranks.sorted())
  }
}

@Test func memoryIsBoundedHoweverMuchIsLearned() throws {
  var random = SeededRandom(state: 7)
  var model = SuggestionModel(
    catalog: try plainCatalog(500), limits: .init(items: 100, partners: 8, basket: 10))
  for _ in 0..<2_000 {
    model.learn(basket: (0..<50).map { _ in "item-\(Int.random(in: 0..<500, using: &random))" })
  }
  #expect(model.knownItems == 100)
  #expect(model.mostPartners == 8)
  #expect(model.snapshot.items.count == 100)
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
}

@Test func limitsBelowOneCountAsOne() throws {
  var model = SuggestionModel(
    catalog: try plainCatalog(3), limits: .init(items: 0, partners: -5, basket: .min))
  model.learn(basket: ["item-0", "item-1"])
  #expect(model.knownItems == 1)
  #expect(model.limits == .init(items: 1, partners: 1, basket: 1))
}
