import OrderWire
import Yams

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The interface's description (OpenAPI 3.1), from the binary: docs/openapi.yaml as it is, and as JSON.
enum OpenAPIRoutes {
  static let assets: [(path: String, asset: PageRoutes.Asset)] = [
    ("/v1/openapi.yaml", .init(type: "application/yaml", text: PageAssets.openapi)),
    ("/v1/openapi.json", .init(type: "application/json", text: json)),
  ]

  private static let json: String = {
    do {
      let node = try Yams.compose(yaml: PageAssets.openapi) ?? .scalar(.init(""))
      return String(decoding: try JSONBody.encode(try JSONNode(node)), as: UTF8.self)
    } catch {
      // The text is part of the program, and a test reads it.
      preconditionFailure("docs/openapi.yaml cannot be read: \(error)")
    }
  }()
}

/// A YAML document that holds only what JSON can.
private enum JSONNode: Encodable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([JSONNode])
  case object([String: JSONNode])

  init(_ node: Node) throws {
    switch node {
    case .mapping(let mapping):
      self = .object(
        try Dictionary(
          mapping.map { (try key($0.key), try JSONNode($0.value)) }, uniquingKeysWith: { _, last in last }))
    case .sequence(let sequence): self = .list(try sequence.map(JSONNode.init))
    case .scalar(let scalar):
      // What is quoted is text, whatever it looks like.
      if scalar.style != .plain {
        self = .text(scalar.string)
      } else if node.null != nil {
        self = .null
      } else if let value = node.bool {
        self = .boolean(value)
      } else if let value = node.int {
        self = .integer(value)
      } else if let value = node.float {
        self = .number(value)
      } else {
        self = .text(scalar.string)
      }
    case .alias: throw ServiceError(.internal, "only what JSON has may stand there")
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
}

/// The names of the answers' codes are numbers in YAML, and texts in JSON.
private func key(_ node: Node) throws -> String {
  guard case .scalar(let scalar) = node else {
    throw ServiceError(.internal, "only what JSON has may stand there")
  }
  return scalar.string
}
