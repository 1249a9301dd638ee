/// Puts what several processes wrote down about one order into an order that no machine's clock decides.
///
/// When one event happened before another, no component of its clock is larger and one is smaller, so the sum of its
/// components is smaller. Sorted by these sums, no effect stands before its cause. What has no clock stands next to
/// what its own process wrote before it.
package enum CausalOrder {
  package struct Item: Sendable {
    package var process: String
    package var clock: VectorClock?

    package init(process: String, clock: VectorClock?) {
      self.process = process
      self.clock = clock
    }
  }

  /// The indices of `items` in causal order. `items`: those of one process in the order in which it wrote them;
  /// otherwise in any order, which concurrent ones keep.
  package static func sorted(_ items: [Item]) -> [Int] {
    let weights = weights(of: items)
    return items.indices.sorted { (weights[$0], $0) < (weights[$1], $1) }
  }

  private static func weights(of items: [Item]) -> [UInt64] {
    var weights: [UInt64?] = items.map { $0.clock.map(sum) }
    // From what its process wrote before; for its first words, from what it wrote next.
    var last: [String: UInt64] = [:]
    for index in items.indices {
      let process = items[index].process
      // A process does not go back: what it writes later is not earlier, whatever clock it writes.
      let weight = weights[index].map { max($0, last[process] ?? 0) } ?? last[process]
      weights[index] = weight
      last[process] = weight
    }
    var next: [String: UInt64] = [:]
    for index in items.indices.reversed() {
      weights[index] = weights[index] ?? next[items[index].process]
      next[items[index].process] = weights[index]
    }
    // Of a process that never wrote a clock: with what was read before it.
    var before: UInt64 = 0
    return weights.map { weight in
      before = weight ?? before
      return before
    }
  }

  private static func sum(_ clock: VectorClock) -> UInt64 {
    clock.entries.reduce(0) { sum, entry in
      let (next, overflow) = sum.addingReportingOverflow(entry.count)
      return overflow ? .max : next
    }
  }
}
