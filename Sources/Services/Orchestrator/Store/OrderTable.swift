import CheckoutFlow
import CoreTime
import GRDB
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The statements on `orders.db`; each runs inside a transaction or a snapshot of the caller's.
enum OrderTable {
  static func insert(_ order: StoredOrder, entries: [TimelineEntry], _ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO orders (id, state, record, email, priority, code, flagged, change)
        VALUES (?, ?, ?, ?, ?, ?, ?, \(nextChange))
        """
    ).execute(
      arguments: [
        order.id.description, order.state.rawValue, RecordText.of(order),
        foldedEmail(order.customer.email), order.priority.level, order.rejection?.code, order.flag,
      ])
    try append(entries, to: order.id, db)
  }

  static func update(_ order: StoredOrder, entries: [TimelineEntry], _ db: Database) throws {
    try db.cachedStatement(
      sql:
        "UPDATE orders SET state = ?, record = ?, code = ?, flagged = ?, change = \(nextChange) WHERE id = ?"
    ).execute(
      arguments: [
        order.state.rawValue, RecordText.of(order), order.rejection?.code, order.flag, order.id.description,
      ])
    try append(entries, to: order.id, db)
  }

  static func load(_ id: OrderID, _ db: Database) throws -> StoredOrder? {
    let statement = try db.cachedStatement(sql: "SELECT record FROM orders WHERE id = ?")
    return try String.fetchOne(statement, arguments: [id.description]).map {
      try decode(StoredOrder.self, $0)
    }
  }

  /// Oldest first.
  static func oldest(in state: OrderState, after: OrderID?, limit: Int, _ db: Database) throws
    -> [StoredOrder]
  {
    try String.fetchAll(
      db, sql: "SELECT record FROM orders WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
      arguments: [state.rawValue, after?.description ?? "", limit]
    ).map { try decode(StoredOrder.self, $0) }
  }

  /// Orders by state; the schema's triggers keep them.
  static func counts(_ db: Database) throws -> [String: Int] {
    let rows = try Row.fetchAll(db, sql: "SELECT state, orders FROM order_counts WHERE orders > 0")
    return Dictionary(rows.map { ($0["state"], $0["orders"]) }, uniquingKeysWith: { first, _ in first })
  }

  static func timeline(of id: OrderID, _ db: Database) throws -> [TimelineEntry] {
    try String.fetchAll(
      db, sql: "SELECT entries FROM timeline WHERE order_id = ? ORDER BY batch", arguments: [id.description]
    ).flatMap { try decode([TimelineEntry].self, $0) }
  }

  private static func append(_ entries: [TimelineEntry], to id: OrderID, _ db: Database) throws {
    guard !entries.isEmpty else { return }
    let statement = try db.cachedStatement(
      sql: """
        INSERT INTO timeline (order_id, batch, entries)
        VALUES (?1, (SELECT COALESCE(MAX(batch), 0) + 1 FROM timeline WHERE order_id = ?1), ?2)
        """)
    try statement.execute(arguments: [id.description, RecordText.of(entries)])
  }

  /// One more than any change so far. There is one writer, so that changes become visible in this order.
  private static let nextChange = "(SELECT COALESCE(MAX(change), 0) + 1 FROM orders)"

  static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
    try JSONDecoder().decode(type, from: Data(text.utf8))
  }
}

extension StoredOrder {
  /// The column `flagged`: 1 or nothing.
  fileprivate var flag: Int? { isFlagged ? 1 : nil }
}

/// What is known of an idempotency key.
struct IdempotencyRecord: Sendable, Hashable {
  let bodyMAC: String
  let order: OrderID
}

enum IdempotencyTable {
  static func find(_ key: String, _ db: Database) throws -> IdempotencyRecord? {
    let statement = try db.cachedStatement(sql: "SELECT body_mac, order_id FROM idempotency WHERE key = ?")
    let row = try Row.fetchOne(statement, arguments: [key])
    guard let row, let order = OrderID(row["order_id"] as String) else { return nil }
    return IdempotencyRecord(bodyMAC: row["body_mac"], order: order)
  }

  static func insert(_ key: String, _ record: IdempotencyRecord, at time: Timestamp, _ db: Database) throws {
    let statement = try db.cachedStatement(
      sql: "INSERT INTO idempotency (key, body_mac, order_id, created_at) VALUES (?, ?, ?, ?)")
    try statement.execute(
      arguments: [key, record.bodyMAC, record.order.description, time.milliseconds])
  }

  /// Forgets keys older than `time`.
  static func purge(before time: Timestamp, _ db: Database) throws {
    try db.execute(sql: "DELETE FROM idempotency WHERE created_at < ?", arguments: [time.milliseconds])
  }
}

enum CursorTable {
  static func value(_ name: String, _ db: Database) throws -> UInt64 {
    let statement = try db.cachedStatement(sql: "SELECT value FROM cursors WHERE name = ?")
    let value = try Int64.fetchOne(statement, arguments: [name])
    return UInt64(clamping: value ?? 0)
  }

  static func set(_ name: String, _ value: UInt64, _ db: Database) throws {
    let statement = try db.cachedStatement(
      sql:
        "INSERT INTO cursors (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    try statement.execute(arguments: [name, Int64(clamping: value)])
  }
}
