package import OrderDomain

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// Reads `order.json`. What is wrong with its shape is said in terms of the document, as a JSON pointer (RFC 6901).
package enum OrderDocument {
  /// Largest body in bytes.
  package static let maximumSize = 64 << 10

  /// Throws `malformed_body` for what is not JSON, `invalid_argument` (with the field in `details`) for what is not
  /// shaped like an order, has a member twice or holds the card's number where it would be stored.
  package static func decode(_ data: Data) throws -> OrderRequest {
    guard data.count <= maximumSize else {
      throw ServiceError(.bodyTooLarge, "the body has \(data.count) bytes; at most \(maximumSize) are taken")
    }
    let request: OrderRequest
    do {
      request = try JSONDecoder().decode(OrderRequest.self, from: data)
    } catch let error as DecodingError {
      throw serviceError(error)
    }
    if let twice = data.withUnsafeBytes({ DuplicateMember.find(in: $0.assumingMemoryBound(to: UInt8.self)) })
    {
      throw field(twice, "stands twice; each member of an object must stand once")
    }
    let texts = texts(of: request)
    try checkLimits(request, texts)
    try checkCardNumber(request, texts)
    return request
  }

  private static func serviceError(_ error: DecodingError) -> ServiceError {
    switch error {
    case .keyNotFound(let key, let context):
      return field(pointer(context.codingPath + [key]), "is missing")
    case .typeMismatch(let type, let context):
      return field(pointer(context.codingPath), "must be \(name(of: type))")
    case .valueNotFound(let type, let context):
      return field(pointer(context.codingPath), "must be \(name(of: type)), not null")
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
      return ServiceError(
        .malformedBody, "the body is not JSON; it must be an object as in examples/order.json")
    case .dataCorrupted(let context):
      return field(pointer(context.codingPath), context.debugDescription)
    @unknown default:
      return ServiceError(.malformedBody, "the body cannot be read as an order")
    }
  }

  private static func field(_ pointer: String, _ problem: String) -> ServiceError {
    let shown = pointer.isEmpty ? "the body" : pointer
    return ServiceError(
      .invalidArgument, "\(shown) \(problem)", details: ["field": pointer, "problem": problem])
  }

  private static func pointer(_ path: [any CodingKey]) -> String {
    path.map { key in
      if let index = key.intValue { return "/\(index)" }
      let escaped = key.stringValue.replacing("~", with: "~0").replacing("/", with: "~1")
      return "/\(escaped)"
    }.joined()
  }

  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Int.Type, is Int64.Type: "a whole number"
    case is Bool.Type: "true or false"
    case is [Any].Type: "a list"
    default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
    }
  }

  /// No text of an order is longer than `WireLimit.text` bytes, and no more than `WireLimit.orderItems` items.
  private static func checkLimits(_ order: OrderRequest, _ texts: [(String, String)]) throws {
    guard order.items.count <= WireLimit.orderItems else {
      throw field("/items", "holds \(order.items.count) items; at most \(WireLimit.orderItems) are taken")
    }
    if let (pointer, text) = texts.first(where: { $0.1.utf8.count > WireLimit.text }) {
      throw field(pointer, "has \(text.utf8.count) bytes; at most \(WireLimit.text) are taken")
    }
  }

  /// Everything but the card is stored and sent to fulfilment, so the card's number must stand nowhere else.
  ///
  /// Whatever separates the digits is ignored. A number of less than 12 digits is no card's (ISO/IEC 7812-1), and could
  /// stand in an address by chance.
  private static func checkCardNumber(_ order: OrderRequest, _ texts: [(String, String)]) throws {
    guard let sought = soughtNumber(order) else { return }
    var others = texts.filter { $0.0 != "/payment/card/number" }
    others += order.items.enumerated().map { ("/items/\($0.offset)/quantity", String($0.element.quantity)) }
    if let priority = order.priority { others.append(("/priority", String(priority))) }
    if let total = order.total { others.append(("/total", String(total))) }
    if let (pointer, _) = others.first(where: { holds(sought, $0.1) }) {
      throw field(pointer, "must not contain the card's number, which belongs in /payment/card/number alone")
    }
  }

  /// Whether `text`, which is not in the order and is to be stored with it, holds the number of its card.
  package static func isCardNumber(of order: OrderRequest, in text: String) -> Bool {
    soughtNumber(order).map { holds($0, text) } ?? false
  }

  /// Nil for what is no card's number.
  private static func soughtNumber(_ order: OrderRequest) -> String? {
    let number = plain(order.payment.card.number).filter(\.isWholeNumber)
    return number.utf8.count >= 12 ? number : nil
  }

  /// `plain` never makes a text longer, so the short ones, which nearly all are, need not be looked at.
  private static func holds(_ number: String, _ text: String) -> Bool {
    text.utf8.count >= number.utf8.count && plain(text).contains(number)
  }

  /// Letters as they are, digits of any script as `0` … `9`, and nothing else.
  private static func plain(_ text: String) -> String {
    // Nearly every text is ASCII, which needs no tables of characters.
    if text.utf8.allSatisfy({ $0 < 0x80 }) {
      return String(
        decoding: text.utf8.filter { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) },
        as: UTF8.self)
    }
    var plain = ""
    for scalar in text.unicodeScalars {
      if scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
        plain += String(Int(value))
      } else if scalar.properties.isAlphabetic {
        plain.unicodeScalars.append(scalar)
      }
    }
    return plain
  }

  /// All texts of an order, by their JSON pointers.
  private static func texts(of order: OrderRequest) -> [(String, String)] {
    var texts: [(String, String)] = [
      ("/customer/name", order.customer.name), ("/customer/email", order.customer.email),
      ("/payment/card/holder", order.payment.card.holder),
      ("/payment/card/number", order.payment.card.number),
      ("/payment/card/expiry", order.payment.card.expiry), ("/payment/card/cvv", order.payment.card.cvv),
      ("/shipping/method", order.shipping?.method ?? ""), ("/currency", order.currency ?? ""),
    ]
    texts += order.items.enumerated().map { ("/items/\($0.offset)/sku", $0.element.sku) }
    for (name, address) in [
      ("billingAddress", order.billingAddress), ("shippingAddress", order.shippingAddress),
    ] {
      guard let address else { continue }
      texts += [
        ("/\(name)/street", address.street), ("/\(name)/city", address.city),
        ("/\(name)/postalCode", address.postalCode), ("/\(name)/country", address.country),
      ]
    }
    return texts
  }
}
