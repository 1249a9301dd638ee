import CheckoutFlow
import CoreTime
import DaemonKit
import GRDB
import OrderDomain
import OrderStore
import OrderWire

/// The orders of this installation: durable, and followed live. The only writer of `orders.db`.
struct OrderRepository: Sendable {
  let store: DurableStore
  let feed: OrderFeed

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
    let admission = try await store.commit { db -> Admission in
      if let key, let record = try IdempotencyTable.find(key, db) {
        guard record.bodyMAC == bodyMAC else {
          throw ServiceError(
            .idempotencyKeyReused,
            "this Idempotency-Key was used for another order body; use a new key for a new order",
            details: ["orderId": record.order.description])
        }
        if let existing = try OrderTable.load(record.order, db) { return .known(existing) }
      }
      try OrderTable.insert(order, entries: entries, db)
      if let key {
        let record = IdempotencyRecord(bodyMAC: bodyMAC, order: order.id)
        try IdempotencyTable.insert(key, record, at: time, db)
      }
      return .admitted(order)
    }
    if case .admitted(let order) = admission { feed.publish([order]) }
    return admission
  }

  /// Changes one order in one transaction: `change` gets the stored one and returns the lines for its timeline, or nil
  /// to leave it as it is. Returns the order after it; throws `not_found`.
  func change(
    _ id: OrderID, _ change: @escaping @Sendable (inout StoredOrder) throws -> [TimelineEntry]?
  ) async throws -> StoredOrder {
    let (order, changed) = try await store.commit { db in
      guard var order = try OrderTable.load(id, db) else { throw Self.notFound(id) }
      guard let entries = try change(&order) else { return (order, false) }
      try OrderTable.update(order, entries: entries, db)
      return (order, true)
    }
    if changed { feed.publish([order]) }
    return order
  }

  /// Like `change` for several orders, in one transaction. An order that is not there is passed over.
  func change(
    _ ids: [OrderID], _ change: @escaping @Sendable (inout StoredOrder) throws -> [TimelineEntry]?
  ) async throws {
    let changed = try await store.commit { db in
      try ids.compactMap { id -> StoredOrder? in
        guard var order = try OrderTable.load(id, db), let entries = try change(&order) else { return nil }
        try OrderTable.update(order, entries: entries, db)
        return order
      }
    }
    feed.publish(changed)
  }

  /// Throws `not_found`.
  func order(_ id: OrderID) async throws -> StoredOrder {
    guard let order = try await store.read({ db in try OrderTable.load(id, db) }) else {
      throw Self.notFound(id)
    }
    return order
  }

  /// Throws `not_found`.
  func timeline(of id: OrderID) async throws -> [TimelineEntry] {
    try await store.read { db in
      guard try OrderTable.load(id, db) != nil else { throw Self.notFound(id) }
      return try OrderTable.timeline(of: id, db)
    }
  }

  /// Newest first.
  func list(state: OrderState?, before: OrderID?, limit: Int) async throws -> [StoredOrder] {
    try await store.read { db in try OrderTable.list(state: state, before: before, limit: limit, db) }
  }

  func counts() async throws -> [String: Int] { try await store.read(OrderTable.counts) }

  static func notFound(_ id: OrderID) -> ServiceError { ServiceError(.notFound, "there is no order \(id)") }
}
