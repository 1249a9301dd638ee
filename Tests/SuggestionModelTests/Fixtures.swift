import CoreTime
import OrderDomain
import SuggestionModel
import Testing

func catalog(_ items: [(sku: String, tags: [String])]) throws -> Catalog {
  Catalog(
    currency: try #require(Currency("EUR")),
    items: items.map { CatalogItem(sku: $0.sku, title: $0.sku, price: 100, tags: $0.tags) })
}

/// `item-0` … without tags.
func plainCatalog(_ count: Int) throws -> Catalog { try catalog((0..<count).map { ("item-\($0)", []) }) }

/// 2026-11-22T12:00:00Z and so many days.
func day(_ number: Int) -> Timestamp {
  Timestamp(milliseconds: 1_795_348_800_000 + Int64(number) * 86_400_000)
}

extension SuggestionModel {
  /// On the first day.
  mutating func learn(basket: [String]) { learn(basket: basket, at: day(0)) }
}

/// `sku reason` of each: what a table of expectations compares.
func brief(_ suggestions: [Suggestion]) -> [String] { suggestions.map { "\($0.sku) \($0.reason.rawValue)" } }
