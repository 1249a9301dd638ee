import CoreTime
import GRDB
import OrderDomain

/// Which orders a list holds; all that is set must apply.
struct OrderFilter: Sendable, Hashable {
  var state: OrderState?
  /// Created at or after.
  var from: Timestamp?
  /// Created before.
  var to: Timestamp?
  /// As `foldedEmail` gives it.
  var email: String?
  var priority: Priority?
  /// The code of the rejection.
  var reason: String?
  /// Flagged for review.
  var isFlagged = false
}

/// A part of a list, newest first.
struct OrderPage: Sendable {
  let orders: [StoredOrder]
  /// Where the next page begins; nil on the last one. A page that was given up looking for more can be short.
  let end: OrderID?
}

/// One order as it is after its last change.
struct OrderChange: Sendable {
  /// Grows with every change of any order.
  let number: UInt64
  let order: StoredOrder
}

/// Mail addresses are compared without regard to the case of their ASCII letters, as SQLite's `lower` does.
func foldedEmail(_ email: String) -> String {
  String(decoding: email.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
}

extension OrderTable {
  /// Rows that are looked at for one page. An index leads to the rows of one filter; only where several filters are
  /// set can there be rows that do not belong.
  static let maximumExamined = 5_000

  static func page(
    _ filter: OrderFilter, before: OrderID?, limit: Int, _ db: Database
  ) throws -> OrderPage {
    // The filter that leaves the fewest rows is served by its index.
    let keys: [(index: String, column: String, value: (any DatabaseValueConvertible)?)] = [
      ("orders_by_flag", "flagged", filter.isFlagged ? 1 : nil),
      ("orders_by_code", "code", filter.reason), ("orders_by_email", "email", filter.email),
      ("orders_by_state", "state", filter.state?.rawValue),
      ("orders_by_priority", "priority", filter.priority?.level),
    ]
    var sql = "SELECT id, state, email, priority, code, flagged, record FROM orders"
    var conditions = ["id < ?", "id >= ?"]
    var end = filter.to.map(lowestID) ?? "g"
    if let before { end = min(end, before.description) }
    var arguments: StatementArguments = [end, filter.from.map(lowestID) ?? ""]
    if let key = keys.first(where: { $0.value != nil }) {
      sql += " INDEXED BY \(key.index)"
      conditions.append("\(key.column) = ?")
      arguments += [key.value]
    }
    sql += " WHERE \(conditions.joined(separator: " AND ")) ORDER BY id DESC LIMIT ?"
    arguments += [maximumExamined]

    let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
    var orders: [StoredOrder] = []
    var (last, examined) = (OrderID?.none, 0)
    while let row = try rows.next() {
      examined += 1
      last = OrderID(row["id"] as String)
      guard matches(row, filter) else { continue }
      if orders.count == limit { return OrderPage(orders: orders, end: orders.last?.id) }
      orders.append(try decode(StoredOrder.self, row["record"]))
    }
    return OrderPage(orders: orders, end: examined == maximumExamined ? last : nil)
  }

  private static func matches(_ row: Row, _ filter: OrderFilter) -> Bool {
    if let state = filter.state, row["state"] as String != state.rawValue { return false }
    if let email = filter.email, row["email"] as String != email { return false }
    if let priority = filter.priority, row["priority"] as Int != priority.level { return false }
    if let reason = filter.reason, row["code"] as String? != reason { return false }
    if filter.isFlagged, row["flagged"] as Int? != 1 { return false }
    return true
  }

  /// Ids begin with their time, so that a range of time is a range of ids.
  private static func lowestID(at time: Timestamp) -> String {
    OrderID(high: UInt64(min(max(time.milliseconds, 0), 0xFFFF_FFFF_FFFF)) << 16, low: 0).description
  }

  static func changes(after: UInt64, of order: OrderID?, limit: Int, _ db: Database) throws -> [OrderChange] {
    let rows =
      if let order {
        try Row.fetchAll(
          db, sql: "SELECT change, record FROM orders WHERE id = ? AND change > ?",
          arguments: [order.description, Int64(clamping: after)])
      } else {
        try Row.fetchAll(
          db, sql: "SELECT change, record FROM orders WHERE change > ? ORDER BY change LIMIT ?",
          arguments: [Int64(clamping: after), limit])
      }
    return try rows.map { row in
      OrderChange(number: row["change"], order: try decode(StoredOrder.self, row["record"]))
    }
  }

  static func lastChange(_ db: Database) throws -> UInt64 {
    UInt64(clamping: try Int64.fetchOne(db, sql: "SELECT MAX(change) FROM orders") ?? 0)
  }
}
