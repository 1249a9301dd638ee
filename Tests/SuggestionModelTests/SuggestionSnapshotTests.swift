import CoreTime
import OrderDomain
import Randomness
import Testing

@testable import SuggestionModel

private func trained(_ seed: UInt64, _ random: inout SplitMix64) throws -> SuggestionModel {
  var model = SuggestionModel(
    catalog: try plainCatalog(12), limits: .init(items: 100, partners: 5, basket: 8))
  for step in 0..<100 { model.learn(basket: basket(&random), at: day(step / 10)) }
  return model
}

private func basket(_ random: inout SplitMix64) -> [String] {
  (0..<Int.random(in: 1...5, using: &random)).map { _ in "item-\(Int.random(in: 0..<12, using: &random))" }
}

@Test(arguments: UInt64(1)...10) func aModelContinuesFromItsSnapshot(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  var model = try trained(seed, &random)
  let snapshot = try SuggestionSnapshot(decoding: model.snapshot.encoded())
  #expect(snapshot == model.snapshot)
  var restored = SuggestionModel(catalog: try plainCatalog(12), limits: model.limits, snapshot: snapshot)
  #expect(restored.snapshot == model.snapshot)
  for step in 0..<50 {
    let bought = basket(&random)
    model.learn(basket: bought, at: day(10 + step))
    restored.learn(basket: bought, at: day(10 + step))
    #expect(restored.suggest(for: bought, limit: 5) == model.suggest(for: bought, limit: 5))
  }
  #expect(restored.snapshot == model.snapshot)
}

/// Wherever a file ends too early, and whichever of its bits falls over: an answer, never a crash or a
/// wild allocation.
@Test func damageIsFoundOrHarmless() throws {
  var random = SplitMix64(seed: 3)
  let bytes = try trained(3, &random).snapshot.encoded()
  for length in stride(from: 0, to: bytes.count, by: 7) {
    #expect(throws: SnapshotDamage.self) { try SuggestionSnapshot(decoding: bytes[..<length]) }
  }
  #expect(throws: SnapshotDamage.self) { try SuggestionSnapshot(decoding: bytes + [0]) }
  for _ in 0..<2_000 {
    var damaged = bytes
    let place = Int.random(in: 0..<bytes.count, using: &random)
    damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    guard let snapshot = try? SuggestionSnapshot(decoding: damaged) else { continue }
    var model = SuggestionModel(
      catalog: try plainCatalog(12), limits: .init(items: 100, partners: 5, basket: 8), snapshot: snapshot)
    model.learn(basket: ["item-0", "item-1"], at: day(30))
    #expect(model.suggest(for: ["item-0"], limit: 20).count == 11)
  }
}

@Test func otherVersionsAreRefused() throws {
  var bytes = SuggestionModel(catalog: try plainCatalog(1)).snapshot.encoded()
  #expect(throws: Never.self) { try SuggestionSnapshot(decoding: bytes) }
  bytes[0] = 2
  let error = #expect(throws: SnapshotDamage.self) { try SuggestionSnapshot(decoding: bytes) }
  #expect(error?.description == "version 2 is not known here (1 is)")
}

@Test func aSnapshotBeyondTheLimitsKeepsTheHeaviest() throws {
  var model = SuggestionModel(catalog: try plainCatalog(4))
  model.learn(basket: ["item-3"])
  for _ in 0..<5 { model.learn(basket: ["item-1", "item-2"]) }
  for _ in 0..<2 { model.learn(basket: ["item-1", "item-0"]) }
  let smaller = SuggestionModel(
    catalog: try plainCatalog(4), limits: .init(items: 3, partners: 1, basket: 8), snapshot: model.snapshot)
  #expect(smaller.snapshot.items.map(\.sku) == ["item-1", "item-2", "item-0"])
  #expect(smaller.snapshot.items.map(\.partners.count) == [1, 1, 1])
  #expect(smaller.suggest(for: ["item-1"], limit: 1).map(\.sku) == ["item-2"])
  #expect(smaller.baskets == 8)
}

/// With another half-life what was learned keeps its proportions, and what comes is weighed anew.
@Test func aChangedHalfLifeKeepsWhatWasLearned() throws {
  var model = SuggestionModel(catalog: try plainCatalog(3), tuning: .init(halfLife: .seconds(86_400)))
  for number in 0..<20 { model.learn(basket: ["item-0", "item-\(1 + number % 2)"], at: day(number)) }
  var changed = SuggestionModel(
    catalog: try plainCatalog(3), tuning: .init(halfLife: .seconds(10 * 86_400)), snapshot: model.snapshot)
  let before = model.suggest(for: ["item-0"], limit: 2)
  let after = changed.suggest(for: ["item-0"], limit: 2)
  #expect(before.map(\.sku) == ["item-2", "item-1"] && after.map(\.sku) == ["item-2", "item-1"])
  #expect(zip(before, after).allSatisfy { abs($0.score - $1.score) < 1e-9 })
  changed.learn(basket: ["item-1"], at: day(29))
  let weights = Dictionary(uniqueKeysWithValues: changed.snapshot.items.map { ($0.sku, $0.weight) })
  // Ten days after the latest order, one half-life: a new order weighs two.
  #expect(abs(try #require(weights["item-1"]) - 2 / 3 - 2) < 0.01)
}
