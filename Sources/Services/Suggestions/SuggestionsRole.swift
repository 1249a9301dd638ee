package import DaemonKit
import GRPCSupport
import OrderDomain
import SuggestionModel
import Synchronization
import VectorClock

/// Puts the role together: event f (suggest), which never fails an order.
///
/// Throws `ConfigurationError` for a catalog that cannot be used.
package func buildSuggestions(
  configuration: SuggestionsConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  let catalog = try CatalogFile.load(path: configuration.catalog)
  let host = CheckHost(
    events: CheckEvents(ids: ["f"]), provider: SuggestionChecks(catalog: catalog, limit: configuration.limit),
    faultDelay: configuration.faultDelay, context: context)
  return host.runtime(
    role: SuggestionsConfiguration.role, service: SuggestionsService(host: host),
    endpoint: configuration.server)
}

/// Event f by `SuggestionModel`, which learns from the orders that came through. In memory only.
final class SuggestionChecks: CheckProvider {
  /// Baskets kept until their order is settled.
  static let maximumBaskets = 20_000

  private struct Memory {
    var model: SuggestionModel
    var baskets = RecentMap<OrderID, [String]>(capacity: maximumBaskets)
  }

  private let limit: Int
  private let titles: [String: String]
  private let memory: Mutex<Memory>

  init(catalog: Catalog, limit: Int) {
    self.limit = limit
    titles = catalog.itemsBySKU().mapValues(\.title)
    memory = Mutex(Memory(model: SuggestionModel(catalog: catalog)))
  }

  func verdict(on event: String, of check: CheckInput) -> EventVerdict {
    let basket = check.order.items.map(\.sku)
    let suggestions = memory.withLock { memory in
      memory.baskets.set(basket, for: check.orderID)
      return memory.model.suggest(for: basket, limit: limit)
    }
    return EventVerdict(
      passed: true,
      suggestions: suggestions.map {
        SuggestedItem(sku: $0.sku, title: titles[$0.sku] ?? $0.sku, score: $0.score)
      })
  }

  /// Approved orders are learned from, rejected ones are not.
  func settled(_ order: OrderID, approved: Bool) {
    memory.withLock { memory in
      guard let basket = memory.baskets.remove(order), approved else { return }
      memory.model.learn(basket: basket)
    }
  }
}
