import CheckoutFlow
import CoreTime
import DaemonKit
import GRDB
import OrderDomain
import OrderStore
import OrderWire
import Synchronization

/// The orders of this installation: durable, and followed live. The only writer of `orders.db`.
struct OrderRepository: Sendable {
  let store: DurableStore
  let feed: OrderFeed
  private let cache = OrderCache()

  init(store: DurableStore, feed: OrderFeed) {
    self.store = store
    self.feed = feed
  }

  /// One transaction over orders. `body` runs on the store's writer; the orders that it writes are told to the feed
  /// once they are durable. Throws what `body` throws, and what `DurableStore.commit` does.
  func commit<Value: Sendable>(
    _ body: @escaping @Sendable (inout OrderWriter) throws -> Value
  ) async throws -> Value {
    let (cache, feed) = (cache, feed)
    let outcome = Outcome<Value>()
    return try await withCheckedThrowingContinuation { continuation in
      store.submit { db in
        var writer = OrderWriter(db: db, cache: cache)
        let value = try body(&writer)
        // What follows in this transaction reads the table, which knows what is undone where this is repeated.
        cache.remove(writer.changed)
        outcome.value.withLock { $0 = (value, writer.changed) }
      } completion: { error in
        if let error {
          // Still on the writer, before the next change runs: what was not committed must not be read.
          cache.clear()
          return continuation.resume(throwing: error)
        }
        guard let (value, changed) = outcome.value.withLock({ $0 }) else {
          return continuation.resume(throwing: ServiceError(.internal, "a change was not applied"))
        }
        cache.put(changed)
        feed.publish(changed)
        continuation.resume(returning: value)
      }
    }
  }

  /// What `admit` found.
  enum Admission: Sendable {
    /// The order is durable, in state `verifying`.
    case admitted(StoredOrder)
    /// The key was used before for the same body.
    case known(StoredOrder)
  }

  /// Makes a new order durable, or finds the one that its idempotency key stands for. An interrupted one is taken up.
  ///
  /// Throws `idempotency_key_reused` when the key stands for another body.
  func admit(
    _ order: StoredOrder, entries: [TimelineEntry], key: String?, bodyMAC: String, at time: Timestamp
  ) async throws -> Admission {
    try await commit { writer -> Admission in
      if let key, let record = try IdempotencyTable.find(key, writer.db) {
        guard record.bodyMAC == bodyMAC else {
          throw ServiceError(
            .idempotencyKeyReused,
            "this Idempotency-Key was used for another order body; use a new key for a new order",
            details: ["orderId": record.order.description])
        }
        if let existing = try writer.load(record.order) { return .known(existing) }
      }
      try writer.insert(order, entries)
      if let key {
        let record = IdempotencyRecord(bodyMAC: bodyMAC, order: order.id)
        try IdempotencyTable.insert(key, record, at: time, writer.db)
      }
      return .admitted(order)
    }
  }

  /// Changes one order in one transaction: `change` gets the stored one and returns the lines for its timeline, or
  /// nil to leave it as it is. Returns the order after it; throws `not_found`.
  func change(
    _ id: OrderID, _ change: @escaping @Sendable (inout StoredOrder) throws -> [TimelineEntry]?
  ) async throws -> StoredOrder {
    try await commit { writer in
      guard var order = try writer.load(id) else { throw Self.notFound(id) }
      guard let entries = try change(&order) else { return order }
      try writer.update(order, entries)
      return order
    }
  }

  /// Throws `not_found`.
  func order(_ id: OrderID) async throws -> StoredOrder {
    guard let order = try await store.read({ db in try OrderTable.load(id, db) }) else {
      throw Self.notFound(id)
    }
    return order
  }

  /// One consistent moment of an order and its timeline. Throws `not_found`.
  func history(of id: OrderID) async throws -> (order: StoredOrder, entries: [TimelineEntry]) {
    try await store.read { db in
      guard let order = try OrderTable.load(id, db) else { throw Self.notFound(id) }
      return (order, try OrderTable.timeline(of: id, db))
    }
  }

  /// Throws `not_found`.
  func timeline(of id: OrderID) async throws -> [TimelineEntry] {
    try await store.read { db in
      guard try OrderTable.load(id, db) != nil else { throw Self.notFound(id) }
      return try OrderTable.timeline(of: id, db)
    }
  }

  /// Orders that `eachPage` hands out at a time.
  static let page = 256

  /// Hands out all orders in `state`, oldest first. A page is read when `body` is done with the one before, so one
  /// that leaves the state meanwhile holds nothing up.
  func eachPage(in state: OrderState, _ body: ([StoredOrder]) async throws -> Void) async throws {
    var last: OrderID?
    while true {
      let after = last
      let page = try await store.read { db in
        try OrderTable.oldest(in: state, after: after, limit: Self.page, db)
      }
      try await body(page)
      guard let end = page.last, page.count == Self.page else { return }
      last = end.id
    }
  }

  /// Newest first. `before`: where the page before ended.
  func list(_ filter: OrderFilter, before: OrderID?, limit: Int) async throws -> OrderPage {
    try await store.read { db in try OrderTable.page(filter, before: before, limit: limit, db) }
  }

  /// What has changed after the change number `after`, in the order of the changes; each order as it is now.
  func changes(after: UInt64, of order: OrderID?, limit: Int) async throws -> [OrderChange] {
    try await store.read { db in try OrderTable.changes(after: after, of: order, limit: limit, db) }
  }

  /// The number of the last change; 0 when there was none.
  func lastChange() async throws -> UInt64 { try await store.read(OrderTable.lastChange) }

  func counts() async throws -> [String: Int] { try await store.read(OrderTable.counts) }

  static func notFound(_ id: OrderID) -> ServiceError {
    ServiceError(
      .notFound, "there is no order \(id); GET /v1/orders lists those there are",
      details: ["orderId": id.description])
  }
}

/// What a transaction came to, between its body and its completion, which run on the same thread.
private final class Outcome<Value: Sendable>: Sendable {
  let value = Mutex<(Value, [StoredOrder])?>(nil)
}
