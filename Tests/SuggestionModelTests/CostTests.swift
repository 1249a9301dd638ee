import CoreTime
import FoundationEssentials
import OrderDomain
import Testing

@testable import SuggestionModel

/// What learning and suggesting cost, counted in entries that are looked at and in time, after short and
/// long histories.
///
/// `SUGGESTION_HISTORY=1000000` makes the long one longer; the figures of docs/SUGGESTIONS.md are from an
/// optimised run.
@Test func costDoesNotGrowWithTheHistory() throws {
  let long = ProcessInfo.processInfo.environment["SUGGESTION_HISTORY"].flatMap(Int.init) ?? 40_000
  let limits = SuggestionModel.Limits(items: 300, partners: 20, basket: 8)
  let shop = GeneratedShop(
    items: 400, orders: long + 1_000, seed: 5, currency: try #require(Currency("EUR")))
  var model = SuggestionModel(catalog: shop.catalog, limits: limits)
  var learned = 0
  var costs: [(learning: Int, asking: Int)] = []
  for history in [long / 10, long] {
    while learned < history {
      model.learn(basket: shop.orders[learned].skus, at: shop.orders[learned].at)
      learned += 1
    }
    var probe = model
    let next = shop.orders[history..<(history + 1_000)]
    var asking = 0
    let asked = ContinuousClock().measure {
      for order in next { asking += model.ranked(for: order.skus, limit: 3).visited }
    }
    var learning = 0
    let taught = ContinuousClock().measure {
      for order in next { learning += probe.learn(basket: order.skus, at: order.at) }
    }
    costs.append((learning, asking))
    print(
      "| \(history) | \(learning / 1_000) | \(taught / 1_000) | \(asking / 1_000) | \(asked / 1_000) "
        + "| \(model.countedItems) | \(model.snapshot.encoded().count) |")
    #expect(model.countedItems <= limits.items && model.mostPartners <= limits.partners)
  }
  // Ten times the history; the entries are nearly full after the first, and can then grow no further.
  #expect(Double(costs[1].learning) < 1.15 * Double(costs[0].learning))
  #expect(Double(costs[1].asking) < 1.15 * Double(costs[0].asking))
  // The bound that holds whatever the history.
  let pairs = limits.basket * limits.basket
  #expect(costs.allSatisfy { $0.learning <= 1_000 * pairs * limits.partners })
}

/// One order of the worst kind costs no more than the limits allow.
@Test func theLargestBasketIsBounded() throws {
  let limits = SuggestionModel.Limits(items: 500, partners: 10, basket: 16)
  var model = SuggestionModel(catalog: try plainCatalog(1_000), limits: limits)
  for start in 0..<200 {
    let basket = (0..<1_000).map { "item-\((start * 7 + $0) % 1_000)" }
    #expect(model.learn(basket: basket, at: day(0)) <= 16 * 16 * 10)
    let visited = model.ranked(for: basket, limit: 50).visited
    #expect(visited <= 16 * 10 + SuggestionModel.comparisons + 16 * 10 + Bestsellers.capacity + 1_000)
  }
}
