import CoreTime
import Hummingbird
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RESTAPI {
  /// Orders of one page of the list.
  static let pageLimit = 1...200
  private static let defaultPage = 50

  /// `GET /v1/orders`.
  func list(_ request: Request, _ context: RESTContext) async throws -> Response {
    let query = try Self.query(request, known: ListQuery.parameters)
    let filter = try ListQuery.filter(query)
    let limit = try query["limit"].map { text in
      guard let limit = Int(text), Self.pageLimit.contains(limit) else {
        throw Self.parameter("limit", "must be a whole number from 1 to \(Self.pageLimit.upperBound)")
      }
      return limit
    }
    let before = try query["cursor"].map { try cursors.read($0, for: filter) }
    let page = try await repository.list(filter, before: before, limit: limit ?? Self.defaultPage)
    return JSONBody.response(
      OrderListView(
        orders: page.orders.map(OrderView.init), next: page.end.map { cursors.text(after: $0, for: filter) },
        counts: try await repository.counts()))
  }
}

/// What `GET /v1/orders` can be asked.
enum ListQuery {
  static let parameters = [
    "state", "from", "to", "email", "priority", "reason", "flagged", "limit", "cursor",
  ]
  /// Characters of a mail address or a code.
  private static let textLimit = 254

  static func filter(_ query: [String: String]) throws -> OrderFilter {
    var filter = OrderFilter()
    filter.state = try query["state"].map { text in
      guard let state = OrderState(rawValue: text) else {
        throw RESTAPI.parameter(
          "state", "must be one of \(OrderState.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return state
    }
    filter.from = try time("from", query)
    filter.to = try time("to", query)
    filter.email = try text("email", query, "a mail address").map(foldedEmail)
    filter.priority = try query["priority"].map { text in
      guard text.utf8.count == 1, let level = Int(text), let priority = Priority(level) else {
        throw RESTAPI.parameter("priority", "must be a whole number from 0 (most urgent) to 9")
      }
      return priority
    }
    filter.reason = try text("reason", query, "the code of a rejection, such as card_expired")
    if let flagged = query["flagged"] {
      guard flagged == "true" else {
        throw RESTAPI.parameter("flagged", "must be true; without it the list holds all orders")
      }
      filter.isFlagged = true
    }
    return filter
  }

  private static func time(_ name: String, _ query: [String: String]) throws -> Timestamp? {
    try query[name].map { text in
      guard let time = Timestamp(rfc3339: text) else {
        throw RESTAPI.parameter(
          name, "must be a time as in 2026-11-22T14:27:05Z (RFC 3339), or a date as in 2026-11-22")
      }
      return time
    }
  }

  private static func text(_ name: String, _ query: [String: String], _ what: String) throws -> String? {
    try query[name].map { text in
      guard (1...textLimit).contains(text.unicodeScalars.count) else {
        throw RESTAPI.parameter(name, "must be \(what), of 1 to \(textLimit) characters")
      }
      return text
    }
  }
}

/// The place in a list where a page ended, as a client carries it to the next page: opaque, and good only for a
/// list with the same filters. It does not expire.
struct ListCursor: Sendable {
  /// Characters of the check value.
  private static let checkLength = 16
  let key: InstallationKey

  func text(after id: OrderID, for filter: OrderFilter) -> String {
    id.description.filter { $0 != "-" } + check(id, filter)
  }

  /// Throws `invalid_argument` for a cursor that was not given out here, or for another list.
  func read(_ text: String, for filter: OrderFilter) throws -> OrderID {
    var digits = Array(text.prefix(32))
    for place in [8, 13, 18, 23] where digits.count >= place { digits.insert("-", at: place) }
    guard let id = OrderID(String(digits)), self.text(after: id, for: filter) == text else {
      throw RESTAPI.parameter(
        "cursor", "must be the 'next' of the page before, of a list with the same filters; begin without it")
    }
    return id
  }

  private func check(_ id: OrderID, _ filter: OrderFilter) -> String {
    let parts: [String?] = [
      filter.state?.rawValue, filter.from?.rfc3339, filter.to?.rfc3339, filter.email,
      filter.priority.map { "\($0.level)" }, filter.reason, filter.isFlagged ? "flagged" : nil,
      id.description,
    ]
    // An absent filter must not read as an empty one, nor two as one.
    let plain =
      "list cursor\n" + parts.map { $0.map { "\($0.utf8.count):\($0)" } ?? "-" }.joined(separator: "\n")
    return String(key.mac(ofBody: Data(plain.utf8)).prefix(Self.checkLength))
  }
}
