package import OrderDomain

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// Reads `catalog.json`.
package enum CatalogDocument {
  /// Largest catalog in bytes.
  package static let maximumSize = 16 << 20
  /// Most mistakes of one catalog that are told.
  private static let maximumProblems = 20

  /// A catalog that cannot be used.
  package struct Invalid: Error, Sendable, CustomStringConvertible {
    /// One sentence each, naming the field, such as `items[3].price: must be a whole number`.
    package let problems: [String]

    package var description: String { problems.joined(separator: "\n") }
  }

  /// Throws `Invalid` for what is not JSON, is not shaped like a catalog, or has `Catalog.problems()`.
  package static func decode(_ data: Data) throws(Invalid) -> Catalog {
    guard data.count <= maximumSize else {
      throw Invalid(problems: ["has \(data.count) bytes; at most \(maximumSize) are taken"])
    }
    let catalog: Catalog
    do {
      catalog = try JSONDecoder().decode(Catalog.self, from: data)
    } catch let error as DecodingError {
      throw Invalid(problems: [brokenPrice(data) ?? problem(error)])
    } catch {
      throw Invalid(problems: ["cannot be read as a catalog"])
    }
    let problems = catalog.problems()
    guard problems.isEmpty else {
      let more = problems.count - maximumProblems
      throw Invalid(problems: problems.prefix(maximumProblems) + (more > 0 ? ["and \(more) more"] : []))
    }
    return catalog
  }

  private static func problem(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context): "\(field(context.codingPath + [key])) is missing"
    case .typeMismatch(let type, let context): "\(field(context.codingPath)) must be \(name(of: type))"
    case .valueNotFound(let type, let context):
      "\(field(context.codingPath)) must be \(name(of: type)), not null"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      "is not JSON; it must be an object as in examples/catalog.json"
    case .dataCorrupted(let context): "\(field(context.codingPath)) \(context.debugDescription)"
    @unknown default: "cannot be read as a catalog"
    }
  }

  /// A price such as 12.99, which the decoder reports as "not JSON", without saying where.
  private static func brokenPrice(_ data: Data) -> String? {
    struct Prices: Decodable {
      struct Item: Decodable { let price: Double }
      let items: [Item]
    }
    guard let prices = try? JSONDecoder().decode(Prices.self, from: data),
      let index = prices.items.firstIndex(where: { Int64(exactly: $0.price) == nil })
    else { return nil }
    return "items[\(index)].price: must be a whole number of minor units, such as 1299 for 12.99"
  }

  /// `items[3].price:`
  private static func field(_ path: [any CodingKey]) -> String {
    var text = ""
    for key in path {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
      }
    }
    return text.isEmpty ? "it" : "\(text):"
  }

  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Int64.Type: "a whole number"
    case is [CatalogItem].Type, is [String].Type: "a list"
    default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
    }
  }
}
