import OrderDomain
import SuggestionModel
import Testing

/// Prints the table of docs/SUGGESTIONS.md: the sum over several generated shops, so that it is no
/// accident of one. The bounds are well below what is measured; they catch a model that has become worse,
/// not a rounding.
struct EvaluationTests {
  private typealias Tuning = SuggestionModel.Tuning

  private static func shop(_ seed: UInt64) throws -> GeneratedShop {
    GeneratedShop(items: 400, orders: 6_000, seed: seed, currency: try #require(Currency("EUR")))
  }

  /// `measure` over all shops.
  private static func total(
    learning: Int? = nil, _ measure: (Evaluation) -> Evaluation.Result
  ) throws -> Evaluation.Result {
    try (1...3).map { measure(Evaluation(try shop($0), learning: learning)) }.reduce(.init(), +)
  }

  @Test func itBeatsPopularityClearly() throws {
    let random = try Self.total { $0.random(seed: 1) }
    let popularity = try Self.total { $0.popularity(halfLife: Tuning().halfLife) }
    let model = try Self.total { $0.model() }
    print("\(model.cases) cases")
    for (name, result) in [("random", random), ("popularity", popularity), ("model", model)] {
      print(row(name, result))
    }
    #expect(model.cases > 2_000)
    #expect(popularity.hitRate(3) > 5 * random.hitRate(3), "popularity is no straw man")
    #expect(model.hitRate(3) > 1.5 * popularity.hitRate(3))
    #expect(model.hitRate(10) > 1.5 * popularity.hitRate(10))
    #expect(model.coverage > 20 * popularity.coverage)
    #expect(model.coverage > 0.5)
  }

  /// What the parts of the model are worth.
  @Test func everyPartEarnsItsKeep() throws {
    let model = try Self.total { $0.model() }
    let forever = try Self.total { $0.model(Tuning(halfLife: .seconds(36_500 * 86_400))) }
    let credulous = try Self.total { $0.model(Tuning(doubt: 0)) }
    let unpopular = try Self.total { $0.model(Tuning(popularity: 0)) }
    let young = try Self.total(learning: 100) { $0.model() }
    let youngAlone = try Self.total(learning: 100) { $0.model(Tuning(likeness: 0)) }
    let youngPopularity = try Self.total(learning: 100) { $0.popularity(halfLife: Tuning().halfLife) }
    for (name, result) in [
      ("model, without decay", forever), ("model, without shrinkage", credulous),
      ("model, without popularity", unpopular), ("model after 100 orders", young),
      ("the same, without likeness", youngAlone), ("popularity after 100 orders", youngPopularity),
    ] { print(row(name, result)) }
    for other in [forever, credulous, unpopular] { #expect(model.hitRate(3) > other.hitRate(3)) }
    #expect(young.hitRate(3) > youngAlone.hitRate(3))
    // So early it is about as good as popularity, and already shows more of the shop.
    #expect(young.hitRate(3) > 0.8 * youngPopularity.hitRate(3))
    #expect(young.hitRate(10) > youngPopularity.hitRate(10))
    #expect(young.coverage > 10 * youngPopularity.coverage)
  }
}
