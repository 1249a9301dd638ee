/// A vector clock: one counter for each process that took part in an order's history.
///
/// `a < b` means that everything `a` stands for happened before `b`; neither `a <= b` nor `b <= a` means that the two
/// are concurrent. A component that is absent counts as zero. Sources: C. Fidge, "Timestamps in message-passing
/// systems that preserve the partial ordering" (1988); F. Mattern, "Virtual time and global states of distributed
/// systems" (1989).
package struct VectorClock: Sendable, Hashable, Codable {
  /// How often a process has acted, as far as a clock knows.
  package struct Entry: Sendable, Hashable {
    package let process: String
    package fileprivate(set) var count: UInt64

    package init(process: String, count: UInt64) {
      self.process = process
      self.count = count
    }
  }

  /// Counters of processes (`orchestrator`, `order-queue`, `executor-3` …), in the order of their names: each process
  /// once, and none with zero. Few have a hand in an order, so that looking through them costs less than hashing.
  package private(set) var entries: [Entry]

  package init() { entries = [] }

  /// Zero components are dropped, so that equal clocks compare equal.
  package init(_ components: [String: UInt64]) {
    self.init(components.map { Entry(process: $0.key, count: $0.value) })
  }

  /// In any order, which costs least where it is that of the names. Of a process that is there twice the last counts.
  package init(_ entries: [Entry]) {
    self.entries = []
    self.entries.reserveCapacity(entries.count)
    for entry in entries {
      if let last = self.entries.last, entry.process <= last.process {
        set(entry)
      } else if entry.count > 0 {
        self.entries.append(entry)
      }
    }
  }

  package init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode([String: UInt64].self))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for entry in entries { try container.encode(entry.count, forKey: Name(stringValue: entry.process)) }
  }

  /// A clock is an object in JSON.
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// By process.
  package var components: [String: UInt64] {
    Dictionary(uniqueKeysWithValues: entries.lazy.map { ($0.process, $0.count) })
  }

  package subscript(process: String) -> UInt64 {
    entries.first { $0.process == process }?.count ?? 0
  }

  private mutating func set(_ entry: Entry) {
    let place = entries.firstIndex { $0.process >= entry.process } ?? entries.count
    if place < entries.count, entries[place].process == entry.process { entries.remove(at: place) }
    if entry.count > 0 { entries.insert(entry, at: place) }
  }

  /// A local event or a send at `process`. A counter stops at its greatest value.
  package mutating func tick(_ process: String) {
    guard let place = entries.firstIndex(where: { $0.process == process }) else {
      return set(Entry(process: process, count: 1))
    }
    if entries[place].count < .max { entries[place].count += 1 }
  }

  /// This clock after a local event or a send at `process`.
  package func ticked(_ process: String) -> VectorClock {
    var clock = self
    clock.tick(process)
    return clock
  }

  /// The component-wise maximum with `other`.
  package mutating func merge(_ other: VectorClock) {
    if entries.isEmpty { return entries = other.entries }
    var place = 0
    for entry in other.entries {
      while place < entries.count, entries[place].process < entry.process { place += 1 }
      if place < entries.count, entries[place].process == entry.process {
        if entries[place].count < entry.count { entries[place].count = entry.count }
      } else {
        entries.insert(entry, at: place)
      }
    }
  }

  /// The receipt at `process` of a message that carried `message`: merge, then tick.
  package mutating func receive(_ message: VectorClock, at process: String) {
    merge(message)
    tick(process)
  }

  /// How this clock relates to `other`.
  package func relation(to other: VectorClock) -> CausalRelation {
    let notAfter = entries.allSatisfy { $0.count <= other[$0.process] }
    let notBefore = other.entries.allSatisfy { $0.count <= self[$0.process] }
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
    "{" + entries.map { "\($0.process):\($0.count)" }.joined(separator: " ") + "}"
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
