/// The items that sell best, best first, kept up to date as orders are learned. Weights only grow (see
/// `Decay`), so an item can only rise, and the list stays exact without looking at the others.
struct Bestsellers: Sendable, Hashable {
  /// More than the largest cart and the most suggestions together need.
  static let capacity = 256

  private(set) var ranked: [Int32] = []

  init() {}

  init(_ rows: [SuggestionModel.Row]) {
    let sold = rows.indices.filter { rows[$0].isSold && rows[$0].weight > 0 }.map { Int32($0) }
    ranked = Array(sold.sorted { Self.outsells($0, $1, rows) }.prefix(Self.capacity))
  }

  /// The weight of `row`, which is sold, has grown.
  mutating func note(_ row: Int32, _ rows: [SuggestionModel.Row]) {
    var place: Int
    if let known = ranked.firstIndex(of: row) {
      place = known
    } else if ranked.count < Self.capacity {
      ranked.append(row)
      place = ranked.count - 1
    } else if let last = ranked.last, Self.outsells(row, last, rows) {
      place = ranked.count - 1
      ranked[place] = row
    } else {
      return
    }
    while place > 0, Self.outsells(row, ranked[place - 1], rows) {
      ranked.swapAt(place, place - 1)
      place -= 1
    }
  }

  private static func outsells(_ left: Int32, _ right: Int32, _ rows: [SuggestionModel.Row]) -> Bool {
    let (left, right) = (rows[Int(left)], rows[Int(right)])
    return left.weight != right.weight ? left.weight > right.weight : left.sku < right.sku
  }
}
