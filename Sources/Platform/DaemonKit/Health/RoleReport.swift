/// What a role says about itself: for `/status`, `/ready`, the health service and `systemctl status`.
package struct RoleReport: Sendable {
  /// One line, e.g. `leader term 7 epoch 12, 3 in flight`.
  package var summary: String
  /// What keeps it from doing its work now; empty when it can.
  package var problems: [String]
  /// For `/status`.
  package var details: [String: StatusValue]

  package init(summary: String, problems: [String] = [], details: [String: StatusValue] = [:]) {
    self.summary = summary
    self.problems = problems
    self.details = details
  }
}

/// A JSON value for `/status`.
package enum StatusValue: Sendable, Encodable, Hashable, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  case text(String)
  case integer(Int64)
  case boolean(Bool)
  case list([StatusValue])
  case object([String: StatusValue])

  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .text(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .boolean(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}
