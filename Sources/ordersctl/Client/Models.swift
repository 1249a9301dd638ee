import OrderDomain

// The REST interface's documents, as far as a table needs them (openapi.yaml). Members that a newer server adds are
// passed over here and shown by `-o json`.

struct OrderModel: Decodable {
  struct Item: Decodable {
    var sku: String
    var quantity: Int
  }
  struct Card: Decodable {
    var brand: String
    var lastFour: String
  }
  struct Event: Decodable {
    var id: String
    var name: String
  }
  struct FindingModel: Decodable {
    var code: String
    /// A JSON pointer into the order; empty when it is about the whole.
    var field: String?
    var message: String
  }
  struct Rejection: Decodable {
    var event: Event?
    var service: String?
    var code: String
    var reason: String?
    var retryable: Bool?
    var findings: [FindingModel]?
  }
  struct Suggestion: Decodable {
    var sku: String
    var title: String?
  }
  struct Suggestions: Decodable {
    var degraded: Bool?
    var items: [Suggestion]
  }
  struct Execution: Decodable {
    var executor: String?
    var epoch: UInt64?
    var attempt: Int?
  }

  var orderId: String
  /// Text, because a newer server may send a state that this version does not know.
  var state: String
  var priority: Int?
  var total: Money?
  var items: [Item]?
  var card: Card?
  var rejection: Rejection?
  /// It passed, and a person should look at it.
  var flagged: Bool?
  var findings: [FindingModel]?
  var suggestions: Suggestions?
  var execution: Execution?
  var reason: String?
  var createdAt: String?
  var updatedAt: String?

  var orderState: OrderState? { OrderState(rawValue: state) }
}

struct OrderListModel: Decodable {
  var orders: [OrderModel]
  var next: String?
  /// All orders by state.
  var counts: [String: Int]?
}

struct TimelineModel: Decodable {
  struct Entry: Decodable {
    var sequence: Int
    var at: String
    var actor: String
    /// Absent when the entry is a change of state only.
    var event: String?
    var state: String?
    var reason: String?
    var clock: [String: UInt64]?
  }

  var orderId: String
  var entries: [Entry]
}

/// `application/problem+json` (RFC 9457).
struct ProblemModel: Decodable {
  struct FieldError: Decodable {
    var field: String
    var message: String
  }

  var title: String?
  var status: Int?
  var detail: String?
  var code: String?
  var service: String?
  var retryable: Bool?
  var orderId: String?
  var state: String?
  var holder: String?
  var errors: [FieldError]?
}
