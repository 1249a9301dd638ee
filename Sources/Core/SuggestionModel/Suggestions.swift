import OrderDomain

/// Something that could go into the basket too.
package struct Suggestion: Sendable, Hashable, Codable {
  package let sku: String
  /// 0 … 1, greater is better. Comparable between suggestions of the same reason only.
  package let score: Double
  package let reason: Reason

  /// Why it is suggested; better reasons come first.
  package enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
    case boughtTogether = "bought_together"
    case similar
    case popular
  }
}

extension SuggestionModel {
  /// Most suggestions of one answer.
  package static let maxSuggestions = 50

  /// At most `limit` suggestions, best first: none that is in `cart`, none that is not in the catalog, none
  /// twice. A `limit` below 0 counts as 0, one above `maxSuggestions` as that.
  package func suggest(for cart: [String], limit: Int) -> [Suggestion] {
    let limit = min(max(limit, 0), Self.maxSuggestions)
    guard limit > 0 else { return [] }
    // Sorted, so that sums of floating-point numbers do not depend on the order of the lines.
    let skus = known(cart).sorted()
    var taken = Set(cart)
    var suggestions: [Suggestion] = []
    for rank in [boughtTogether, similar, popular] where suggestions.count < limit {
      let best = top(limit - suggestions.count, of: rank(skus).filter { !taken.contains($0.sku) })
      suggestions += best
      taken.formUnion(best.map(\.sku))
    }
    return suggestions
  }

  /// The mean of the cosine similarities to the cart's items: `pairs / √(count · count)`.
  private func boughtTogether(_ cart: [String]) -> [Suggestion] {
    var sums: [String: Double] = [:]
    for sku in cart {
      guard let own = statistics[sku], own.count > 0 else { continue }
      for (partner, pairs) in own.partners where items[partner] != nil {
        guard let other = statistics[partner], other.count > 0 else { continue }
        // Space-Saving counts of rare partners are too high; no pair can be more frequent than either of the two.
        let together = Double(min(pairs, own.count, other.count))
        sums[partner, default: 0] += together / (Double(own.count) * Double(other.count)).squareRoot()
      }
    }
    return sums.map {
      Suggestion(sku: $0.key, score: min($0.value / Double(cart.count), 1), reason: .boughtTogether)
    }
  }

  /// The greatest share of common tags with one of the cart's items (Jaccard index), for items nobody bought
  /// yet.
  private func similar(_ cart: [String]) -> [Suggestion] {
    var best: [String: Double] = [:]
    for sku in cart {
      let tags = Set(items[sku]?.tags ?? [])
      var common: [String: Int] = [:]
      for tag in tags { for other in skusByTag[tag] ?? [] { common[other, default: 0] += 1 } }
      for (other, count) in common {
        let all = tags.count + Set(items[other]?.tags ?? []).count - count
        best[other] = max(best[other] ?? 0, Double(count) / Double(max(all, 1)))
      }
    }
    return best.map { Suggestion(sku: $0.key, score: $0.value, reason: .similar) }
  }

  /// The share of baskets that an item is in.
  private func popular(_ cart: [String]) -> [Suggestion] {
    items.keys.map { sku in
      let share = Double(statistics[sku]?.count ?? 0) / Double(max(baskets, 1))
      return Suggestion(sku: sku, score: min(share, 1), reason: .popular)
    }
  }
}

private func isBetter(_ left: Suggestion, _ right: Suggestion) -> Bool {
  left.score != right.score ? left.score > right.score : left.sku < right.sku
}

/// The best `count`, best first. The count is small, so that this costs less than sorting a catalog.
private func top(_ count: Int, of suggestions: [Suggestion]) -> [Suggestion] {
  var best: [Suggestion] = []
  for suggestion in suggestions {
    if best.count == count, let last = best.last, !isBetter(suggestion, last) { continue }
    let place = best.firstIndex { isBetter(suggestion, $0) } ?? best.endIndex
    best.insert(suggestion, at: place)
    if best.count > count { best.removeLast() }
  }
  return best
}
