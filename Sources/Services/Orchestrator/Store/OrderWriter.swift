import CheckoutFlow
import GRDB
import OrderDomain
import Synchronization

/// The orders as one transaction sees and writes them.
struct OrderWriter {
  let db: Database
  private let cache: OrderCache
  private var written: [OrderID: StoredOrder] = [:]

  init(db: Database, cache: OrderCache) {
    self.db = db
    self.cache = cache
  }

  /// What was written, by id.
  var changed: [StoredOrder] {
    written.count == 1 ? Array(written.values) : written.values.sorted { $0.id < $1.id }
  }

  func load(_ id: OrderID) throws -> StoredOrder? {
    try written[id] ?? cache[id] ?? OrderTable.load(id, db)
  }

  mutating func insert(_ order: StoredOrder, _ entries: [TimelineEntry]) throws {
    try OrderTable.insert(order, entries: entries, db)
    written[order.id] = order
  }

  /// All entries of one commit become one row of the timeline.
  mutating func update(_ order: StoredOrder, _ entries: [TimelineEntry]) throws {
    try OrderTable.update(order, entries: entries, db)
    written[order.id] = order
  }
}

/// Orders under way, as the writer last wrote them, so that a change need not read and decode what was
/// written a moment ago. Used by the writer alone, and equal to the table as the writer sees it: the
/// orchestrator is the only one to write the file.
final class OrderCache: Sendable {
  /// Orders kept; beyond it the oldest half goes.
  private static let capacity = 16_384

  private let orders = Mutex<[OrderID: StoredOrder]>([:])

  subscript(id: OrderID) -> StoredOrder? { orders.withLock { $0[id] } }

  func put(_ changed: [StoredOrder]) {
    orders.withLock { orders in
      for order in changed {
        // What is settled is hardly ever changed again.
        orders[order.id] = order.state.isSettled ? nil : order
      }
      guard orders.count > Self.capacity else { return }
      for id in orders.keys.sorted().prefix(Self.capacity / 2) { orders[id] = nil }
    }
  }

  func remove(_ changed: [StoredOrder]) {
    orders.withLock { orders in for order in changed { orders[order.id] = nil } }
  }

  func clear() { orders.withLock { $0 = [:] } }
}
