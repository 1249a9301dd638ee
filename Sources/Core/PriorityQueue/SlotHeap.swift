/// A four-way min-heap of slots that knows where each is, so that removal takes O(log n).
///
/// After beanstalkd's `heap.c`, with `Places` instead of its position callback; four ways because a short path
/// touches fewer lines of the cache (A. LaMarca, R. Ladner, "The Influence of Caches on the Performance of
/// Heaps", 1996). The keys stand in the heap itself for the same reason. Slots with equal keys come out in no
/// particular order: make the key unique where the order matters.
struct SlotHeap<Key: Comparable & Sendable>: Sendable {
  struct Entry: Sendable {
    var key: Key
    var slot: Slot
  }

  private var entries = Column<Entry>()

  var count: Int { entries.count }
  var first: Entry? { entries.count > 0 ? entries[0] : nil }

  func contains(_ slot: Slot, _ places: Places) -> Bool {
    guard let place = places[slot], place < entries.count else { return false }
    return entries[place].slot == slot
  }

  /// For a slot that is not in it. Not in order until `restoreOrder`.
  mutating func appendUnordered(_ slot: Slot, key: Key, _ places: inout Places) {
    places[slot] = entries.count
    entries.append(Entry(key: key, slot: slot))
  }

  /// Makes a heap of what was appended, from the bottom up: O(n) (R. Floyd, 1964).
  mutating func restoreOrder(_ places: inout Places) {
    guard entries.count > 1 else { return }
    for position in (0...(entries.count - 2) / 4).reversed() {
      sink(entries[position], from: position, &places)
    }
  }

  /// For a slot that is not in it.
  mutating func insert(_ slot: Slot, key: Key, _ places: inout Places) {
    let entry = Entry(key: key, slot: slot)
    entries.append(entry)
    rise(entry, from: entries.count - 1, &places)
  }

  /// Gives a slot that is in it another key.
  mutating func move(_ slot: Slot, key: Key, _ places: inout Places) {
    guard let place = places[slot] else { return }
    settle(Entry(key: key, slot: slot), at: place, &places)
  }

  mutating func remove(_ slot: Slot, _ places: inout Places) {
    guard let place = places[slot] else { return }
    places[slot] = nil
    let last = entries.removeLast()
    if place < entries.count { settle(last, at: place, &places) }
  }

  /// Changes all keys without changing their order: `change` must keep it.
  mutating func rekey(_ change: (Key) -> Key) {
    for position in 0..<entries.count { entries[position].key = change(entries[position].key) }
  }

  /// The first `limit` slots in order, without changing the heap: of all, or k of them with O(k) candidates.
  func ordered(limit: Int) -> [Slot] {
    guard limit > 0, entries.count > 0 else { return [] }
    if limit >= entries.count {
      return (0..<entries.count).map { entries[$0] }.sorted { $0.key < $1.key }.map(\.slot)
    }
    var result: [Slot] = []
    // By key, the least last.
    var frontier = [0]
    while result.count < limit, let position = frontier.popLast() {
      result.append(entries[position].slot)
      for child in children(of: position) {
        let key = entries[child].key
        var (low, high) = (0, frontier.count)
        while low < high {
          let middle = (low + high) / 2
          if key < entries[frontier[middle]].key { low = middle + 1 } else { high = middle }
        }
        frontier.insert(child, at: low)
      }
    }
    return result
  }

  /// All slots, in no particular order.
  var slots: some Sequence<Slot> { (0..<entries.count).lazy.map { entries[$0].slot } }

  /// Whether order and places hold; O(n), for tests and audits.
  func isConsistent(_ places: Places) -> Bool {
    (0..<entries.count).allSatisfy { position in
      places[entries[position].slot] == position
        && (position == 0 || !(entries[position].key < entries[(position - 1) / 4].key))
    }
  }

  private func children(of position: Int) -> Range<Int> {
    let first = 4 * position + 1
    return min(first, entries.count)..<min(first + 4, entries.count)
  }

  private mutating func settle(_ entry: Entry, at position: Int, _ places: inout Places) {
    if position > 0, entry.key < entries[(position - 1) / 4].key {
      rise(entry, from: position, &places)
    } else {
      sink(entry, from: position, &places)
    }
  }

  private mutating func put(_ entry: Entry, at position: Int, _ places: inout Places) {
    entries[position] = entry
    places[entry.slot] = position
  }

  /// `position` is a hole for `entry`, which moves up to where it belongs.
  private mutating func rise(_ entry: Entry, from start: Int, _ places: inout Places) {
    var position = start
    while position > 0, case let above = entries[(position - 1) / 4], entry.key < above.key {
      put(above, at: position, &places)
      position = (position - 1) / 4
    }
    put(entry, at: position, &places)
  }

  private mutating func sink(_ entry: Entry, from start: Int, _ places: inout Places) {
    var position = start
    while true {
      var least: (position: Int, entry: Entry)?
      for child in children(of: position) {
        let candidate = entries[child]
        if candidate.key < (least?.entry.key ?? entry.key) { least = (child, candidate) }
      }
      guard let least else { break }
      put(least.entry, at: position, &places)
      position = least.position
    }
    put(entry, at: position, &places)
  }
}
