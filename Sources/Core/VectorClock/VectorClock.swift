/// A vector clock: one counter for each process that took part in an order's history.
///
/// `a < b` means that everything `a` stands for happened before `b`; neither `a <= b` nor `b <= a` means that the two
/// are concurrent. A component that is absent counts as zero. Sources: C. Fidge, "Timestamps in message-passing
/// systems that preserve the partial ordering" (1988); F. Mattern, "Virtual time and global states of distributed
/// systems" (1989).
package struct VectorClock: Sendable, Hashable, Codable {
  /// Counters by process name (`orchestrator`, `order-queue`, `executor-3` …). No entry is zero.
  package private(set) var components: [String: UInt64]

  package init() { components = [:] }

  /// Zero components are dropped, so that equal clocks compare equal.
  package init(_ components: [String: UInt64]) { self.components = components.filter { $0.value > 0 } }

  package init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([String: UInt64].self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(components)
  }

  package subscript(process: String) -> UInt64 { components[process] ?? 0 }

  /// A local event or a send at `process`. A counter stops at its greatest value.
  package mutating func tick(_ process: String) {
    let count = components[process] ?? 0
    components[process] = count < .max ? count + 1 : count
  }

  /// This clock after a local event or a send at `process`.
  package func ticked(_ process: String) -> VectorClock {
    var clock = self
    clock.tick(process)
    return clock
  }

  /// The component-wise maximum with `other`.
  package mutating func merge(_ other: VectorClock) {
    components.merge(other.components) { max($0, $1) }
  }

  /// The receipt at `process` of a message that carried `message`: merge, then tick.
  package mutating func receive(_ message: VectorClock, at process: String) {
    merge(message)
    tick(process)
  }

  /// How this clock relates to `other`.
  package func relation(to other: VectorClock) -> CausalRelation {
    let notAfter = components.allSatisfy { $0.value <= other[$0.key] }
    let notBefore = other.components.allSatisfy { $0.value <= self[$0.key] }
    return switch (notAfter, notBefore) {
    case (true, true): .same
    case (true, false): .before
    case (false, true): .after
    case (false, false): .concurrent
    }
  }

  /// Happened-before: strictly less in the partial order.
  package func happenedBefore(_ other: VectorClock) -> Bool { relation(to: other) == .before }

  /// `self <= other` in the partial order.
  package func isCovered(by other: VectorClock) -> Bool {
    let relation = relation(to: other)
    return relation == .before || relation == .same
  }
}

/// The four ways in which two clocks can relate.
package enum CausalRelation: String, Sendable, Hashable, Codable { case before, after, same, concurrent }

extension VectorClock: LosslessStringConvertible {
  /// `{executor-3:1 orchestrator:7}`: components in the order of their names.
  package var description: String {
    let parts = components.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
    return "{" + parts.joined(separator: " ") + "}"
  }

  /// From such a text; nil for any other, also where a component is there twice or zero.
  package init?(_ description: String) {
    guard description.hasPrefix("{"), description.hasSuffix("}") else { return nil }
    var components: [String: UInt64] = [:]
    for part in description.dropFirst().dropLast().split(separator: " ") {
      guard let colon = part.lastIndex(of: ":"), let count = UInt64(part[part.index(after: colon)...]),
        count > 0,
        components.updateValue(count, forKey: String(part[..<colon])) == nil
      else { return nil }
    }
    self.init(components)
  }
}
