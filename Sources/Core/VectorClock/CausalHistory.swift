/// One thing that happened, as far as causality is concerned.
package struct CausalEvent: Sendable, Hashable {
  /// The process at which it happened.
  package let process: String
  /// That process's clock at the event.
  package let clock: VectorClock
  /// For people and for rules: `a`, `approved` …
  package let name: String

  package init(process: String, clock: VectorClock, name: String) {
    self.process = process
    self.clock = clock
    self.name = name
  }
}

/// The happened-before relation among recorded events, rebuilt from their clocks alone, and what contradicts it.
///
/// Events that one process recorded under the same clock are one step told in several lines: they count as ordered as
/// they stand.
package struct CausalHistory: Sendable {
  /// Most events that are related to each other: the work grows with their square.
  package static let maximumEvents = 1_000

  /// Positions in `events`.
  package struct Edge: Sendable, Hashable {
    package let from: Int
    package let to: Int

    package init(from: Int, to: Int) {
      self.from = from
      self.to = to
    }
  }

  /// In the order in which they were recorded.
  package let events: [CausalEvent]
  /// By event: the set of those that happened before it, as bits.
  private let past: [BitRow]

  /// Beyond `maximumEvents` the first ones are left out.
  package init(_ events: [CausalEvent]) {
    let kept = Array(events.suffix(Self.maximumEvents))
    let processes = Set(kept.flatMap { $0.clock.entries.map(\.process) }).sorted()
    // Dense rows: looking up names would dominate everything else.
    let rows = kept.map { event in processes.map { event.clock[$0] } }
    past = kept.indices.map { later in
      var row = BitRow(count: kept.count)
      for earlier in kept.indices
      where earlier != later && Self.precedes(rows[earlier], rows[later], earlier < later) {
        row.insert(earlier)
      }
      return row
    }
    self.events = kept
  }

  /// `<=` in every component, and strictly so in one; equal clocks are ordered as they were recorded.
  private static func precedes(_ left: [UInt64], _ right: [UInt64], _ isRecordedFirst: Bool) -> Bool {
    var isLess = false
    for index in left.indices {
      if left[index] > right[index] { return false }
      if left[index] < right[index] { isLess = true }
    }
    return isLess || isRecordedFirst
  }

  package func happenedBefore(_ earlier: Int, _ later: Int) -> Bool { past[later].contains(earlier) }

  package func areConcurrent(_ left: Int, _ right: Int) -> Bool {
    left != right && !happenedBefore(left, right) && !happenedBefore(right, left)
  }

  /// How many pairs of events are concurrent.
  package var concurrentPairs: Int {
    let count = events.count
    return count * (count - 1) / 2 - past.reduce(0) { $0 + $1.count }
  }

  /// The transitive reduction: the fewest edges from which the whole relation follows. It is unique, because the
  /// relation has no cycles (Aho, Garey, Ullman, "The transitive reduction of a directed graph", 1972).
  package var edges: [Edge] {
    events.indices.flatMap { later -> [Edge] in
      // Whatever happened before a predecessor is implied.
      var implied = BitRow(count: events.count)
      for earlier in past[later].members { implied.formUnion(past[earlier]) }
      return past[later].members.filter { !implied.contains($0) }.map { Edge(from: $0, to: later) }
    }
  }
}

/// A set of small numbers, 64 to a word.
private struct BitRow: Sendable {
  private var words: [UInt64]

  init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

  mutating func insert(_ index: Int) { words[index >> 6] |= 1 << UInt64(index & 63) }

  func contains(_ index: Int) -> Bool { words[index >> 6] >> UInt64(index & 63) & 1 == 1 }

  mutating func formUnion(_ other: BitRow) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Ascending.
  var members: [Int] {
    words.indices.flatMap { word -> [Int] in
      var rest = words[word]
      var found: [Int] = []
      while rest != 0 {
        found.append(word << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
      return found
    }
  }
}
