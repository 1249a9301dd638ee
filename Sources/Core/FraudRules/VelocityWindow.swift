package import CoreTime
package import OrderDomain

/// Counts the orders that came with one key (a card's fingerprint, a mail address) within a sliding window.
/// Bounded: when more than `capacity` orders are within the window, the oldest are forgotten first.
package struct VelocityWindow: Sendable {
  package let length: Duration
  package let capacity: Int
  private var entries: [Entry] = []
  /// Where the live entries begin; what stands before is over and is cut off from time to time.
  private var first = 0
  private var known: Set<KeyedOrder> = []
  private var counts: [String: Int] = [:]
  private var latest: Instant?

  private struct KeyedOrder: Sendable, Hashable {
    let key: String
    let order: OrderID
  }

  private struct Entry: Sendable {
    let keyed: KeyedOrder
    let time: Instant
  }

  /// `length` is positive, `capacity` at least 1.
  package init(length: Duration, capacity: Int) {
    precondition(length > .zero && capacity > 0, "a VelocityWindow needs a positive length and capacity")
    self.length = length
    self.capacity = capacity
  }

  /// How many orders are remembered, over all keys.
  package var count: Int { entries.count - first }

  /// An order with `key` came. The same order counts once, however often its event is repeated. Returns how
  /// many orders with that key came within the window, this one included. A `now` before an earlier one
  /// counts as that.
  package mutating func record(_ key: String, order: OrderID, now: Instant) -> Int {
    let now = max(now, latest ?? now)
    latest = now
    while first < entries.count, now - entries[first].time >= length { forgetFirst() }
    // Keys come from outside; 320 bytes is the longest mail address and more than a fingerprint.
    let keyed = KeyedOrder(key: String(decoding: key.utf8.prefix(320), as: UTF8.self), order: order)
    if known.insert(keyed).inserted {
      entries.append(Entry(keyed: keyed, time: now))
      counts[keyed.key, default: 0] += 1
      if count > capacity { forgetFirst() }
    }
    return counts[keyed.key, default: 0]
  }

  private mutating func forgetFirst() {
    let keyed = entries[first].keyed
    first += 1
    known.remove(keyed)
    if let count = counts[keyed.key] { counts[keyed.key] = count > 1 ? count - 1 : nil }
    if first > capacity {
      entries.removeFirst(first)
      first = 0
    }
  }
}
