import CoreTime

/// How many values there were up to each of some bounds: enough to tell what is usual and what is rare.
package struct Spread: Sendable, Hashable {
  /// Growing; a value that is equal to one counts there.
  package let bounds: [Double]
  /// One for each bound, and one for what is above the last.
  package private(set) var counts: [UInt64]
  package private(set) var sum = 0.0

  package init(bounds: [Double]) {
    self.bounds = bounds
    counts = Array(repeating: 0, count: bounds.count + 1)
  }

  package mutating func add(_ value: Double) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
    sum += value
  }
}

/// The transactions of a store: how many changes were in each, and how long each took to be on disk.
package struct CommitFigures: Sendable, Hashable {
  package private(set) var changes = Spread(bounds: [1, 2, 5, 10, 20, 50, 100, 200, 512])
  package private(set) var milliseconds = Spread(
    bounds: [0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000])

  package init() {}

  package mutating func add(changes count: Int, _ duration: Duration) {
    changes.add(Double(count))
    milliseconds.add(Double(duration.nanosecondsClamped) / 1e6)
  }
}
