/// A binary min-heap that knows where each element is, so that removal by element takes O(log n).
///
/// After beanstalkd's `heap.c`, with a dictionary in the place of its position callback. An element stands in
/// it once. Elements with equal keys come out in no particular order: make the key unique where the order
/// matters.
struct PositionHeap<Element: Hashable & Sendable, Key: Comparable & Sendable>: Sendable {
  private struct Entry: Sendable {
    var key: Key
    var element: Element
  }

  private var entries: [Entry] = []
  private var positions: [Element: Int] = [:]

  var count: Int { entries.count }
  var isEmpty: Bool { entries.isEmpty }
  var first: (element: Element, key: Key)? { entries.first.map { ($0.element, $0.key) } }

  func contains(_ element: Element) -> Bool { positions[element] != nil }

  func key(of element: Element) -> Key? { positions[element].map { entries[$0].key } }

  /// Puts `element` in, or moves it when it is there with another key.
  mutating func set(_ element: Element, key: Key) {
    if let position = positions[element] {
      entries[position].key = key
      restoreOrder(around: position)
    } else {
      entries.append(Entry(key: key, element: element))
      positions[element] = entries.count - 1
      siftUp(entries.count - 1)
    }
  }

  /// Whether it was there.
  @discardableResult
  mutating func remove(_ element: Element) -> Bool {
    guard let position = positions.removeValue(forKey: element) else { return false }
    let last = entries.removeLast()
    if position < entries.count {
      entries[position] = last
      positions[last.element] = position
      restoreOrder(around: position)
    }
    return true
  }

  /// The first `limit` elements in order, without changing the heap: O(k log k) for k of them.
  func ordered(limit: Int) -> [Element] {
    guard limit > 0, let first = entries.first else { return [] }
    var result: [Element] = []
    var frontier = PositionHeap<Int, Key>()
    frontier.set(0, key: first.key)
    while result.count < limit, let (position, _) = frontier.first {
      frontier.remove(position)
      result.append(entries[position].element)
      for child in [2 * position + 1, 2 * position + 2] where child < entries.count {
        frontier.set(child, key: entries[child].key)
      }
    }
    return result
  }

  /// All elements, in no particular order.
  var elements: some Sequence<Element> { entries.lazy.map(\.element) }

  /// Whether order and positions hold; O(n), for tests and audits.
  var isConsistent: Bool {
    guard positions.count == entries.count else { return false }
    return entries.indices.allSatisfy { position in
      positions[entries[position].element] == position
        && (position == 0 || !(entries[position].key < entries[(position - 1) / 2].key))
    }
  }

  private mutating func restoreOrder(around position: Int) {
    siftDown(position)
    siftUp(position)
  }

  private mutating func siftUp(_ start: Int) {
    var position = start
    while position > 0, case let parent = (position - 1) / 2, entries[position].key < entries[parent].key {
      exchange(position, parent)
      position = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var position = start
    while true {
      let (left, right) = (2 * position + 1, 2 * position + 2)
      var least = position
      if left < entries.count, entries[left].key < entries[least].key { least = left }
      if right < entries.count, entries[right].key < entries[least].key { least = right }
      if least == position { return }
      exchange(position, least)
      position = least
    }
  }

  private mutating func exchange(_ left: Int, _ right: Int) {
    entries.swapAt(left, right)
    positions[entries[left].element] = left
    positions[entries[right].element] = right
  }
}
