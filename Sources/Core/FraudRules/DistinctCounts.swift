package import CoreTime

/// How many different things (cards, mail addresses) came with each key within a sliding window. Up to
/// `most` of them are told apart; beyond that, the one seen longest ago makes way. 72 bytes and an index entry
/// for each key.
package struct DistinctCounts: Sendable {
  /// Different things that are told apart for one key.
  package static let most = 8

  package let window: Duration
  private let tick: Int64
  private var table: SlotTable
  /// By slot, `most` of them each. A tag is part of a keyed hash; 0 where nothing stands yet.
  private var tags: [UInt32] = []
  /// When each was seen last, in twelfths of the window since 1970.
  private var seen: [UInt32] = []

  /// `window` is at least one minute; `capacity`: keys that are remembered, at least 1.
  package init(window: Duration, capacity: Int) {
    self.window = window
    tick = max(window.millisecondsClamped / 12, 1)
    table = SlotTable(capacity: capacity)
  }

  package var count: Int { table.count }
  package var evicted: UInt64 { table.evicted }

  /// `thing` came with `key`. Returns how many different things came within the window, this one included,
  /// at most `most`.
  package mutating func record(_ key: UInt64, _ thing: UInt64, now: Timestamp) -> Int {
    let (slot, isNew) = table.use(key)
    prepare(slot, isNew: isNew)
    let time = UInt32(clamping: max(now.milliseconds, 0) / tick)
    let tag = max(UInt32(truncatingIfNeeded: thing ^ thing >> 32), 1)
    let places = slot * Self.most..<(slot + 1) * Self.most
    // A clock that went back by more than the window leaves times that lie ahead; those count as over, too.
    for place in places where tags[place] != 0 && distance(seen[place], time) >= 12 { tags[place] = 0 }
    let place =
      places.first { tags[$0] == tag } ?? places.first { tags[$0] == 0 }
      ?? places.min { seen[$0] < seen[$1] } ?? places.lowerBound
    // A clock that goes back a little must not make a thing look older than it is.
    seen[place] = tags[place] == tag ? max(time, seen[place]) : time
    tags[place] = tag
    return places.count { tags[$0] != 0 }
  }

  private mutating func prepare(_ slot: Int, isNew: Bool) {
    if slot * Self.most == tags.count {
      tags.append(contentsOf: repeatElement(0, count: Self.most))
      seen.append(contentsOf: repeatElement(0, count: Self.most))
    } else if isNew {
      for place in slot * Self.most..<(slot + 1) * Self.most {
        tags[place] = 0
        seen[place] = 0
      }
    }
  }

  private func distance(_ left: UInt32, _ right: UInt32) -> UInt32 { max(left, right) - min(left, right) }
}

extension DistinctCounts {
  /// What is within the window at `now`, the least recently used first.
  func encode(into writer: inout ByteWriter, now: Timestamp) {
    let time = UInt32(clamping: max(now.milliseconds, 0) / tick)
    let live = table.leastRecentFirst.filter { slot in
      (slot * Self.most..<(slot + 1) * Self.most).contains { tags[$0] != 0 && distance(seen[$0], time) < 12 }
    }
    writer.put(UInt32(live.count))
    for slot in live {
      writer.put(table.keys[slot])
      for place in slot * Self.most..<(slot + 1) * Self.most {
        writer.put(tags[place])
        writer.put(seen[place])
      }
    }
  }

  mutating func restore(from reader: inout ByteReader) throws(FraudSnapshotError) {
    let entries = try reader.count(entrySize: 8 + 8 * Self.most)
    for _ in 0..<entries {
      let (slot, isNew) = table.use(try reader.uint64())
      prepare(slot, isNew: isNew)
      for place in slot * Self.most..<(slot + 1) * Self.most {
        tags[place] = try reader.uint32()
        seen[place] = try reader.uint32()
      }
    }
  }
}
