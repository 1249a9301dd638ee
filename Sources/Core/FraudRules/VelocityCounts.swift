package import CoreTime

/// How many orders came with each key within a sliding window. The window is 12 buckets long, the running one
/// included, so it reaches back for 11/12 to 12/12 of its length. 40 bytes and an index entry for each key.
package struct VelocityCounts: Sendable {
  static let buckets = 12

  package let window: Duration
  private let bucketLength: Int64
  private var table: SlotTable
  /// By slot: the number of the bucket that was counted into last, since 1970.
  private var latest: [Int64] = []
  /// By slot, `buckets` of them each; bucket number n stands at n modulo `buckets`.
  private var counts: [UInt16] = []

  /// `window` is at least 12 ms; `capacity`: keys that are remembered, at least 1.
  package init(window: Duration, capacity: Int) {
    self.window = window
    bucketLength = max(window.millisecondsClamped / Int64(Self.buckets), 1)
    table = SlotTable(capacity: capacity)
  }

  /// Keys that are remembered.
  package var count: Int { table.count }
  package var evicted: UInt64 { table.evicted }

  /// An order with `key` came. Returns how many came within the window, this one included. A clock that goes
  /// back a little changes nothing; one that goes back by more than the window starts the key anew.
  package mutating func record(_ key: UInt64, now: Timestamp) -> Int {
    let bucket = max(now.milliseconds, 0) / bucketLength
    let (slot, isNew) = table.use(key)
    if slot == latest.count {
      latest.append(bucket)
      counts.append(contentsOf: repeatElement(0, count: Self.buckets))
    } else if isNew {
      clear(slot, latest: bucket)
    } else {
      advance(slot, to: bucket)
    }
    let place = slot * Self.buckets + Int(latest[slot] % Int64(Self.buckets))
    if counts[place] < .max { counts[place] += 1 }
    return counts[slot * Self.buckets..<(slot + 1) * Self.buckets].reduce(0) { $0 + Int($1) }
  }

  private mutating func advance(_ slot: Int, to bucket: Int64) {
    let steps = bucket - latest[slot]
    if steps.magnitude >= UInt64(Self.buckets) { return clear(slot, latest: bucket) }
    guard steps > 0 else { return }
    for number in latest[slot] + 1...bucket {
      counts[slot * Self.buckets + Int(number % Int64(Self.buckets))] = 0
    }
    latest[slot] = bucket
  }

  private mutating func clear(_ slot: Int, latest bucket: Int64) {
    for place in slot * Self.buckets..<(slot + 1) * Self.buckets { counts[place] = 0 }
    latest[slot] = bucket
  }
}

extension VelocityCounts {
  /// What is within the window at `now`, the least recently used first.
  func encode(into writer: inout ByteWriter, now: Timestamp) {
    let running = max(now.milliseconds, 0) / bucketLength
    let live = table.leastRecentFirst.filter { running - latest[$0] < Int64(Self.buckets) }
    writer.put(UInt32(live.count))
    for slot in live {
      writer.put(table.keys[slot])
      writer.put(UInt64(bitPattern: latest[slot]))
      for count in counts[slot * Self.buckets..<(slot + 1) * Self.buckets] { writer.put(count) }
    }
  }

  mutating func restore(from reader: inout ByteReader) throws(FraudSnapshotError) {
    let entries = try reader.count(entrySize: 16 + 2 * Self.buckets)
    for _ in 0..<entries {
      let (key, bucket) = (try reader.uint64(), Int64(bitPattern: try reader.uint64()))
      guard bucket >= 0 else { throw .damaged }
      let (slot, isNew) = table.use(key)
      if isNew, slot == latest.count {
        latest.append(bucket)
        counts.append(contentsOf: repeatElement(0, count: Self.buckets))
      }
      latest[slot] = bucket
      for place in slot * Self.buckets..<(slot + 1) * Self.buckets { counts[place] = try reader.uint16() }
    }
  }
}
