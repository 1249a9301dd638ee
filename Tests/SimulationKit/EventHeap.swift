/// Virtual time of the simulated world, in nanoseconds since its beginning. No node can read it.
package typealias WorldTime = Int64

/// What is to happen, by time; what is due at the same time happens in the order in which it was scheduled.
struct EventHeap<Event> {
  private var items: [(at: WorldTime, order: UInt64, event: Event)] = []
  private var order: UInt64 = 0

  var nextTime: WorldTime? { items.first?.at }

  mutating func push(_ event: Event, at time: WorldTime) {
    order += 1
    items.append((time, order, event))
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard isBefore(child, parent) else { break }
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> (at: WorldTime, event: Event)? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    if !items.isEmpty {
      items[0] = last
      sink()
    }
    return (first.at, first.event)
  }

  private mutating func sink() {
    var parent = 0
    while true {
      var least = parent
      let left = 2 * parent + 1
      if left < items.count, isBefore(left, least) { least = left }
      if left + 1 < items.count, isBefore(left + 1, least) { least = left + 1 }
      if least == parent { return }
      items.swapAt(parent, least)
      parent = least
    }
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    let (one, two) = (items[left], items[right])
    return one.at != two.at ? one.at < two.at : one.order < two.order
  }
}
