import FoundationEssentials
import OrderDomain
import SuggestionModel
import Testing

@Test(arguments: UInt64(1)...10) func aModelContinuesFromItsSnapshot(seed: UInt64) throws {
  var random = SeededRandom(state: seed)
  let stock = try plainCatalog(12)
  func basket() -> [String] {
    (0..<Int.random(in: 1...5, using: &random)).map { _ in "item-\(Int.random(in: 0..<12, using: &random))" }
  }
  var model = SuggestionModel(catalog: stock, limits: .init(items: 100, partners: 5, basket: 8))
  for _ in 0..<100 { model.learn(basket: basket()) }
  let data = try JSONEncoder().encode(model.snapshot)
  let snapshot = try JSONDecoder().decode(SuggestionSnapshot.self, from: data)
  var restored = SuggestionModel(catalog: stock, limits: model.limits, snapshot: snapshot)
  #expect(restored.snapshot == model.snapshot)
  for _ in 0..<50 {
    let bought = basket()
    model.learn(basket: bought)
    restored.learn(basket: bought)
    #expect(restored.suggest(for: bought, limit: 5) == model.suggest(for: bought, limit: 5))
  }
  #expect(restored.snapshot == model.snapshot)
}

private func snapshot(_ json: String) throws -> SuggestionSnapshot {
  try JSONDecoder().decode(SuggestionSnapshot.self, from: Data(json.utf8))
}

@Test func aDamagedSnapshotCostsSuggestionsOnly() throws {
  let damaged = try snapshot(
    """
    {"baskets": 18446744073709551615, "items": [
      {"sku": "item-0", "count": 3, "partners": [
        {"sku": "item-1", "count": 2}, {"sku": "item-1", "count": 1}, {"sku": "item-0", "count": 3},
        {"sku": "item-2", "count": -1}, {"sku": "gone", "count": 2}]},
      {"sku": "item-0", "count": 1, "partners": []},
      {"sku": "item-1", "count": 9223372036854775807, "partners": []},
      {"sku": "item-2", "count": 0, "partners": []},
      {"sku": "gone", "count": 5, "partners": []}]}
    """)
  var model = SuggestionModel(catalog: try plainCatalog(3), snapshot: damaged)
  #expect(model.snapshot.items.map(\.sku) == ["item-0"])
  #expect(model.snapshot.items.first?.partners.map(\.count) == [2])
  for _ in 0..<3 { model.learn(basket: ["item-0", "item-1"]) }
  #expect(model.baskets == .max)
  #expect(model.suggest(for: ["item-0"], limit: 1).map(\.sku) == ["item-1"])
}

@Test func aSnapshotBeyondTheLimitsKeepsTheMostFrequent() throws {
  let large = try snapshot(
    """
    {"baskets": 9, "items": [
      {"sku": "item-0", "count": 1, "partners": []},
      {"sku": "item-1", "count": 9, "partners": [{"sku": "item-0", "count": 1}, {"sku": "item-2", "count": 5}]},
      {"sku": "item-2", "count": 5, "partners": []}]}
    """)
  let model = SuggestionModel(
    catalog: try plainCatalog(3), limits: .init(items: 2, partners: 1, basket: 8), snapshot: large)
  #expect(model.snapshot.items.map(\.sku) == ["item-1", "item-2"])
  #expect(model.snapshot.items.first?.partners.map(\.sku) == ["item-2"])
}
