import CoreTime
import OrderDomain
import Randomness

/// A shop and its orders, made from a seed. Nothing of how they are made is known to what is evaluated on
/// them.
///
/// Buyers belong to segments with tastes of their own; few items sell much and most sell little (Zipf);
/// categories have their season; each item goes with three others, one of them of its own category, and
/// with which changes once for many; an eighth of the items is sold later than the rest; a part of every
/// basket is chance.
struct GeneratedShop {
  struct Order {
    var at: Timestamp
    var skus: [String]
  }

  static let categories = 30
  static let segments = 12
  static let days = 540
  private static let day: Int64 = 86_400_000
  private static let begin: Int64 = 1_735_689_600_000

  let catalog: Catalog
  private(set) var orders: [Order] = []

  private struct Item {
    var category: Int
    var popularity: Double
    /// The day of its first sale.
    var launch: Int
    /// What it goes with, before and after the change.
    var partners: [[Int]]
    var change: Int
  }

  private var items: [Item] = []
  /// Of each segment for each category.
  private var tastes: [[Double]] = []

  init(items count: Int = 1_000, orders: Int, seed: UInt64, currency: Currency) {
    var random = SplitMix64(seed: seed)
    var listed: [CatalogItem] = []
    let ranks = Array(1...count).shuffled(using: &random)
    for number in 0..<count {
      let category = Int.random(in: 0..<Self.categories, using: &random)
      items.append(
        Item(
          category: category, popularity: 1 / Double(ranks[number]),
          launch: number % 8 == 7 ? Int.random(in: 60..<Self.days, using: &random) : 0, partners: [],
          change: Int.random(in: 0..<Self.days * 2, using: &random)))
      let price = Int64.random(in: 300...3_000, using: &random) * Int64(1 + category % 4)
      listed.append(
        CatalogItem(
          sku: "item-\(number)", title: "Item \(number)", price: price,
          tags: [
            "category-\(category)", "style-\(Int.random(in: 0..<8, using: &random))",
            "maker-\(Int.random(in: 0..<60, using: &random))",
          ]))
    }
    catalog = Catalog(currency: currency, items: listed)
    for number in items.indices {
      let kin = items.indices.filter { items[$0].category == items[number].category && $0 != number }
      items[number].partners = (0..<2).map { _ in
        [kin.randomElement(using: &random) ?? number]
          + (0..<2).map { _ in Int.random(in: 0..<count, using: &random) }
      }
    }
    tastes = (0..<Self.segments).map { _ in
      let favourites = Set((0..<4).map { _ in Int.random(in: 0..<Self.categories, using: &random) })
      return (0..<Self.categories).map { favourites.contains($0) ? 1 : 0.02 }
    }
    make(orders, &random)
  }

  private mutating func make(_ count: Int, _ random: inout SplitMix64) {
    var shelves: [Shelf] = []
    var week = -1
    for number in 0..<count {
      let day = number * Self.days / count
      // What sells is worked out anew every week.
      if day / 7 != week {
        week = day / 7
        shelves = (0..<Self.segments).map { makeShelf(of: $0, on: day) }
      }
      let shelf = shelves[Int.random(in: 0..<Self.segments, using: &random)]
      var basket = [shelf.draw(&random)]
      while basket.count < 6, Double.random(in: 0..<1, using: &random) < 0.62 {
        let next = next(after: basket, shelf, on: day, &random)
        if !basket.contains(next) { basket.append(next) }
      }
      let time = Self.begin + Int64(number) * Int64(Self.days) * Self.day / Int64(count)
      orders.append(Order(at: Timestamp(milliseconds: time), skus: basket.map { "item-\($0)" }))
    }
  }

  /// Four in ten go with something in the basket, as many are to the buyer's taste, the rest is chance.
  private func next(after basket: [Int], _ shelf: Shelf, on day: Int, _ random: inout SplitMix64) -> Int {
    let dice = Double.random(in: 0..<1, using: &random)
    if dice >= 0.8 {
      let any = Int.random(in: 0..<items.count, using: &random)
      return items[any].launch <= day ? any : shelf.draw(&random)
    }
    let anchor = items[basket[Int.random(in: 0..<basket.count, using: &random)]]
    let partners = anchor.partners[day < anchor.change ? 0 : 1].filter { items[$0].launch <= day }
    guard dice < 0.4, !partners.isEmpty else { return shelf.draw(&random) }
    return partners[Int.random(in: 0..<partners.count, using: &random)]
  }

  /// What a segment buys, and how often.
  private struct Shelf {
    var sums: [Double] = []

    func draw(_ random: inout SplitMix64) -> Int {
      let dice = Double.random(in: 0..<(sums.last ?? 1), using: &random)
      var (low, high) = (0, sums.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] <= dice { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  private func makeShelf(of segment: Int, on day: Int) -> Shelf {
    var (shelf, sum) = (Shelf(), 0.0)
    for item in items {
      // A triangle over the year, between a fifth and all.
      let phase = (day + item.category * 365 / Self.categories) % 365
      let season = 0.2 + 0.8 * abs(Double(phase) / 182.5 - 1)
      if item.launch <= day { sum += item.popularity * tastes[segment][item.category] * season }
      shelf.sums.append(sum)
    }
    return shelf
  }
}
