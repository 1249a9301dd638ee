/// Finds a slot by the hash of its id: 8 bytes for each place, of which 3/8 to 3/4 are taken.
///
/// Open addressing with linear probing, and removal that closes the gap (D. Knuth, TAOCP 3, 6.4, algorithm R).
/// It is split into parts that grow one by one, so that no single call pays for moving all of it. The ids stand
/// in the table; 32 bits of the hash stand here, so that a look at another's id is rare and growing needs none.
struct SlotIndex: Sendable {
  private struct Entry: Sendable {
    var mark: UInt32
    var slot: Slot

    static let empty = Entry(mark: 0, slot: .none)
  }

  private struct Part: Sendable {
    var entries: ContiguousArray<Entry> = []
    var count = 0

    var mask: Int { entries.count - 1 }
  }

  /// The smallest part that is not empty. A power of two, as every size.
  private static let smallest = 8

  private var parts: [Part] = Array(repeating: Part(), count: 256)

  /// `hash`: of the id; `isIt`: whether that slot has the id.
  func find(_ hash: Int, _ isIt: (Slot) -> Bool) -> Slot? {
    let part = parts[Self.part(hash)]
    if part.count == 0 { return nil }
    let mark = Self.mark(hash)
    var position = Int(mark) & part.mask
    while case let entry = part.entries[position], entry.slot != .none {
      if entry.mark == mark, isIt(entry.slot) { return entry.slot }
      position = (position + 1) & part.mask
    }
    return nil
  }

  /// For an id that is not in it.
  mutating func insert(_ hash: Int, _ slot: Slot) {
    let number = Self.part(hash)
    if (parts[number].count + 1) * 4 > parts[number].entries.count * 3 { grow(number) }
    parts[number].count += 1
    put(Entry(mark: Self.mark(hash), slot: slot), in: number)
  }

  mutating func remove(_ hash: Int, _ slot: Slot) {
    let number = Self.part(hash)
    guard parts[number].count > 0 else { return }
    let mask = parts[number].mask
    var hole = Int(Self.mark(hash)) & mask
    while parts[number].entries[hole].slot != slot {
      if parts[number].entries[hole].slot == .none { return }
      hole = (hole + 1) & mask
    }
    parts[number].count -= 1
    if parts[number].count == 0 {
      parts[number] = Part()
      return
    }
    var next = (hole + 1) & mask
    while case let entry = parts[number].entries[next], entry.slot != .none {
      let home = Int(entry.mark) & mask
      if (next - home) & mask >= (next - hole) & mask {
        parts[number].entries[hole] = entry
        hole = next
      }
      next = (next + 1) & mask
    }
    parts[number].entries[hole] = .empty
  }

  private mutating func put(_ entry: Entry, in number: Int) {
    let mask = parts[number].mask
    var position = Int(entry.mark) & mask
    while parts[number].entries[position].slot != .none { position = (position + 1) & mask }
    parts[number].entries[position] = entry
  }

  private mutating func grow(_ number: Int) {
    let old = parts[number].entries
    parts[number].entries = ContiguousArray(repeating: .empty, count: max(Self.smallest, old.count * 2))
    for entry in old where entry.slot != .none { put(entry, in: number) }
  }

  private static func part(_ hash: Int) -> Int { Int(UInt64(bitPattern: Int64(hash)) >> 56) }
  private static func mark(_ hash: Int) -> UInt32 { UInt32(truncatingIfNeeded: hash) }
}
