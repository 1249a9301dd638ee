import OrderDomain

/// Something that could go into the basket too.
package struct Suggestion: Sendable, Hashable, Codable {
  package let sku: String
  /// 0 … 1, greater is better.
  package let score: Double
  package let reason: Reason

  /// Why it is suggested: the greater part of its score.
  package enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
    case boughtTogether = "bought_together"
    case similar
    /// Fills up what the others leave free.
    case popular
  }
}

extension SuggestionModel {
  /// Most suggestions of one answer.
  package static let maxSuggestions = 50
  /// Items that one query compares by what they are.
  static let comparisons = 2_048

  /// At most `limit` suggestions, best first: none that is in `cart`, none that is not in the catalog, none
  /// twice. A `limit` below 0 counts as 0, one above `maxSuggestions` as that.
  package func suggest(for cart: [String], limit: Int) -> [Suggestion] {
    ranked(for: cart, limit: limit).suggestions
  }

  /// With how many entries were looked at: at most `basket` × `partners` of the limits and `comparisons`,
  /// and what the bestsellers and the cart hold.
  func ranked(for cart: [String], limit: Int) -> (suggestions: [Suggestion], visited: Int) {
    let limit = min(max(limit, 0), Self.maxSuggestions)
    guard limit > 0 else { return ([], 0) }
    // Sorted, so that sums of floating-point numbers do not depend on the order of the lines.
    let skus = known(cart).sorted()
    var taken = Set(cart)
    var (evidence, visited) = boughtTogether(skus)
    visited += compare(skus, &evidence)
    visited += addPopularity(&evidence)
    let best = 1 + tuning.likeness + tuning.popularity
    let scored = evidence.lazy.filter { !taken.contains($0.key) }.map { sku, parts in
      Suggestion(sku: sku, score: min(parts.sum / best, 1), reason: parts.reason)
    }
    var suggestions = top(limit, of: scored)
    taken.formUnion(suggestions.map(\.sku))
    visited += fill(&suggestions, upTo: limit, besides: taken)
    return (suggestions, visited)
  }

  /// The parts of a score.
  private struct Evidence {
    var together = 0.0
    var alike = 0.0
    var popular = 0.0

    var sum: Double { together + alike + popular }

    var reason: Suggestion.Reason {
      if together > 0, together >= max(alike, popular) { return .boughtTogether }
      return alike > 0 && alike >= popular ? .similar : .popular
    }
  }

  /// The mean of the cosine similarities to the cart's items, each shrunk by how little is known of the
  /// pair.
  private func boughtTogether(_ cart: [String]) -> ([String: Evidence], visited: Int) {
    let doubt = max(tuning.doubt, 0) * decay.unit
    var sums: [Int32: Double] = [:]
    var visited = 0
    for sku in cart {
      guard let own = rowBySKU[sku].map({ rows[Int($0)] }), own.weight > 0 else { continue }
      visited += own.neighbours.entries.count
      for entry in own.neighbours.entries {
        let other = rows[Int(entry.row)]
        let pairs = entry.certain
        guard other.isSold, pairs > 0 else { continue }
        let cosine = pairs / (own.weight * other.weight).squareRoot()
        sums[entry.row, default: 0] += cosine * pairs / (pairs + doubt)
      }
    }
    var evidence: [String: Evidence] = [:]
    for (row, sum) in sums {
      evidence[rows[Int(row)].sku] = Evidence(together: min(sum / Double(cart.count), 1))
    }
    return (evidence, visited)
  }

  /// Adds the mean likeness to the cart's items.
  private func compare(_ cart: [String], _ evidence: inout [String: Evidence]) -> Int {
    guard tuning.likeness > 0, !cart.isEmpty else { return 0 }
    var visited = 0
    for sku in cart {
      visited += catalog.alike(to: sku, budget: Self.comparisons / cart.count) { other, likeness in
        evidence[other, default: Evidence()].alike += tuning.likeness * likeness / Double(cart.count)
      }
    }
    return visited
  }

  /// Brings in what sells best, and adds to what is there already how well it sells: the root of the
  /// sales, compared with those of the bestseller.
  private func addPopularity(_ evidence: inout [String: Evidence]) -> Int {
    guard tuning.popularity > 0, let first = bestsellers.ranked.first else { return 0 }
    let most = rows[Int(first)].weight
    for row in bestsellers.ranked { evidence[rows[Int(row)].sku, default: Evidence()].popular = 0 }
    for sku in evidence.keys {
      guard let row = rowBySKU[sku] else { continue }
      let share = rows[Int(row)].weight / most
      evidence[sku]?.popular = tuning.popularity * share.squareRoot()
    }
    return evidence.count
  }

  /// In a new shop: with what there is.
  private func fill(_ suggestions: inout [Suggestion], upTo limit: Int, besides: Set<String>) -> Int {
    var visited = 0
    for sku in catalog.skus {
      guard suggestions.count < limit else { break }
      visited += 1
      if besides.contains(sku) { continue }
      suggestions.append(Suggestion(sku: sku, score: 0, reason: .popular))
    }
    return visited
  }
}

private func isBetter(_ left: Suggestion, _ right: Suggestion) -> Bool {
  left.score != right.score ? left.score > right.score : left.sku < right.sku
}

/// The best `count`, best first. The count is small, so that this costs less than sorting.
private func top(_ count: Int, of suggestions: some Sequence<Suggestion>) -> [Suggestion] {
  var best: [Suggestion] = []
  for suggestion in suggestions {
    if best.count == count, let last = best.last, !isBetter(suggestion, last) { continue }
    let place = best.firstIndex { isBetter(suggestion, $0) } ?? best.endIndex
    best.insert(suggestion, at: place)
    if best.count > count { best.removeLast() }
  }
  return best
}
