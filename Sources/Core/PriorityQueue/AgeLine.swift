/// Who has waited longest, kept up as jobs come and go, so that nobody has to look at all of them.
///
/// A line ordered by time; those that have left are passed over lazily, at the front and by an occasional sweep,
/// so that each call takes constant time on average. Costs a time and an id for each that waits, at most twice
/// over.
package struct AgeLine<ID: Hashable & Sendable, Time: Comparable & Sendable>: Sendable {
  private struct Entry: Sendable {
    var time: Time
    var id: ID
  }

  /// How many places a newcomer may overtake. Times nearly always come in order; after a clock was set back
  /// they do not, and then the line names one that is not quite the oldest rather than take long.
  private static var reach: Int { 32 }

  private var entries: [Entry] = []
  private var head = 0

  package init() {}

  package var oldest: (id: ID, time: Time)? {
    head < entries.count ? (entries[head].id, entries[head].time) : nil
  }

  package mutating func add(_ id: ID, at time: Time) {
    var position = entries.count
    while position > head, entries.count - position < Self.reach, time < entries[position - 1].time {
      position -= 1
    }
    entries.insert(Entry(time: time, id: id), at: position)
  }

  /// Takes in many at once, in any order.
  package mutating func add(_ many: [(id: ID, time: Time)]) {
    entries += many.map { Entry(time: $0.time, id: $0.id) }
    entries[head...].sort { $0.time < $1.time }
  }

  /// Passes over those for whom `waits` is false; `waiting`: how many it is true for.
  package mutating func settle(waiting: Int, _ waits: (ID, Time) -> Bool) {
    while head < entries.count, !waits(entries[head].id, entries[head].time) { head += 1 }
    if head == entries.count {
      entries.removeAll(keepingCapacity: head <= 1_024)
      head = 0
    } else if entries.count > 2 * waiting + 64 {
      entries = entries[head...].filter { waits($0.id, $0.time) }
      head = 0
    }
  }

  /// For audits: those in the line, the ones that have left among them.
  var count: Int { entries.count - head }
}
