#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A JSON document as the server sent it, so that `-o json` shows members that this version does not know.
enum JSONValue: Sendable, Hashable, Codable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral
{
  case null
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  init(stringLiteral value: String) { self = .text(value) }
  init(booleanLiteral value: Bool) { self = .boolean(value) }
  init(integerLiteral value: Int64) { self = .integer(value) }
  init(_ value: some BinaryInteger) { self = .integer(Int64(clamping: value)) }

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// Indented, with sorted keys.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Block style; every text is a JSON string literal, which YAML 1.2 reads as it is.
  func yaml(indent: Int = 0) throws -> String {
    let margin = String(repeating: "  ", count: indent)
    switch self {
    case .null, .boolean, .integer, .number, .text: return try scalar()
    case .list(let items):
      if items.isEmpty { return "[]" }
      return try items.map { item in
        let text = try item.yaml(indent: indent + 1)
        return margin + "- " + (item.isBlock ? String(text.dropFirst(margin.count + 2)) : text)
      }.joined(separator: "\n")
    case .object(let members):
      if members.isEmpty { return "{}" }
      return try members.sorted { $0.key < $1.key }.map { key, value in
        let text = try value.yaml(indent: indent + 1)
        return "\(margin)\(key):" + (value.isBlock ? "\n" : " ") + text
      }.joined(separator: "\n")
    }
  }

  private var isBlock: Bool {
    switch self {
    case .list(let items): !items.isEmpty
    case .object(let members): !members.isEmpty
    case .null, .boolean, .integer, .number, .text: false
    }
  }

  private func scalar() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
