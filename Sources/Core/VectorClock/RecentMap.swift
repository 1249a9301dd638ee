/// A dictionary that holds no more than `capacity` values: the key that came first is given up first.
package struct RecentMap<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  package let capacity: Int
  private var values: [Key: (value: Value, arrival: UInt64)] = [:]
  /// In the order of arrival, with places of keys that were removed since.
  private var arrivals: [(key: Key, arrival: UInt64)] = []
  private var oldest = 0
  private var arrived: UInt64 = 0
  /// Keys given up for want of room.
  package private(set) var evicted: UInt64 = 0

  /// `capacity` is at least 1.
  package init(capacity: Int) {
    precondition(capacity > 0, "a RecentMap must hold at least one value")
    self.capacity = capacity
  }

  package var count: Int { values.count }

  package subscript(key: Key) -> Value? { values[key]?.value }

  /// A key that is known keeps its place among the others.
  package mutating func set(_ value: Value, for key: Key) {
    if let known = values[key] {
      values[key] = (value, known.arrival)
      return
    }
    makeRoom()
    arrived += 1
    values[key] = (value, arrived)
    arrivals.append((key, arrived))
  }

  @discardableResult
  package mutating func remove(_ key: Key) -> Value? { values.removeValue(forKey: key)?.value }

  private mutating func makeRoom() {
    while values.count >= capacity, oldest < arrivals.count {
      let place = arrivals[oldest]
      // A place whose key was removed, and perhaps came again later, is not that key's any more.
      if values[place.key]?.arrival == place.arrival {
        values[place.key] = nil
        evicted += 1
      }
      oldest += 1
    }
    // Removed keys leave their places behind; drop those so that memory follows the live ones.
    if arrivals.count >= 2 * capacity {
      arrivals = arrivals[oldest...].filter { values[$0.key]?.arrival == $0.arrival }
      oldest = 0
    }
  }
}
