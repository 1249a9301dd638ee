/// 0 (most urgent) … 9.
package struct Priority: Sendable, Hashable, Comparable, Codable {
  package let level: Int

  /// Nil outside 0 … 9.
  package init?(_ level: Int) {
    guard Priority.range.contains(level) else { return nil }
    self.level = level
  }

  private init(unchecked level: Int) { self.level = level }

  package static let range = 0...9
  package static let `default` = Priority(unchecked: 5)

  package static func < (left: Priority, right: Priority) -> Bool { left.level < right.level }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let level = try container.decode(Int.self)
    guard let priority = Priority(level) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(level) is not within 0 … 9")
    }
    self = priority
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(level)
  }
}

/// How an order gets its priority when it names none: by the shipping method.
package struct PriorityPolicy: Sendable, Hashable {
  /// Level by shipping method; a method that is not listed gets the default, 5.
  package var byShippingMethod: [String: Priority]

  package init(byShippingMethod: [String: Priority]) { self.byShippingMethod = byShippingMethod }

  /// express 2, standard 5, economy 7.
  package static let standard = PriorityPolicy(byShippingMethod: [
    "express": Priority(2) ?? .default, "standard": .default, "economy": Priority(7) ?? .default,
  ])

  /// The level the order asks for, or else the policy's. An order that asks for one outside 0 … 9 is rejected before
  /// this matters (`TransactionRules`), so it is clamped here.
  package func priority(of order: OrderRequest) -> Priority {
    if let asked = order.priority { return Priority(min(max(asked, 0), 9)) ?? .default }
    return order.shipping.flatMap { byShippingMethod[$0.method] } ?? .default
  }
}
