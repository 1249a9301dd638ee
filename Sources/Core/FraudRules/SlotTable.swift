/// Gives each of at most `capacity` keys a slot, 0 ..< capacity. When it is full, the key that was used least
/// recently makes way for a new one. Every operation takes constant time.
struct SlotTable: Sendable {
  let capacity: Int
  private var slots: [UInt64: Int32] = [:]
  private(set) var keys: [UInt64] = []
  /// The line of slots by their last use, as links in both directions; -1 ends it.
  private var newer: [Int32] = []
  private var older: [Int32] = []
  private var newest: Int32 = -1
  private var oldest: Int32 = -1
  /// Keys that made way.
  private(set) var evicted: UInt64 = 0

  /// `capacity`: 1 … 2³¹ − 1.
  init(capacity: Int) {
    precondition(capacity > 0 && capacity <= Int(Int32.max), "a SlotTable needs room for a key")
    self.capacity = capacity
  }

  var count: Int { keys.count }

  func slot(of key: UInt64) -> Int? { slots[key].map(Int.init) }

  /// The slot of `key`, which counts as used now. A new one holds whatever its last owner left there.
  mutating func use(_ key: UInt64) -> (slot: Int, isNew: Bool) {
    if let slot = slots[key] {
      unlink(slot)
      append(slot)
      return (Int(slot), false)
    }
    let slot: Int32
    if keys.count < capacity {
      slot = Int32(keys.count)
      keys.append(key)
      newer.append(-1)
      older.append(-1)
    } else {
      slot = oldest
      unlink(slot)
      slots[keys[Int(slot)]] = nil
      keys[Int(slot)] = key
      evicted += 1
    }
    slots[key] = slot
    append(slot)
    return (Int(slot), true)
  }

  /// Every slot in use, the least recently used first.
  var leastRecentFirst: [Int] {
    var line: [Int] = []
    line.reserveCapacity(count)
    var slot = oldest
    while slot >= 0 {
      line.append(Int(slot))
      slot = newer[Int(slot)]
    }
    return line
  }

  private mutating func unlink(_ slot: Int32) {
    let (before, after) = (older[Int(slot)], newer[Int(slot)])
    if before >= 0 { newer[Int(before)] = after } else { oldest = after }
    if after >= 0 { older[Int(after)] = before } else { newest = before }
  }

  private mutating func append(_ slot: Int32) {
    older[Int(slot)] = newest
    newer[Int(slot)] = -1
    if newest >= 0 { newer[Int(newest)] = slot } else { oldest = slot }
    newest = slot
  }
}
