/// Where a job stands in the table; given to another once the job is gone.
typealias Slot = UInt32

extension Slot {
  /// No slot.
  static var none: Slot { .max }
}

/// An array in pieces of 4,096 elements.
///
/// It grows and shrinks without moving what is in it: a queue of a million jobs never copies them all at once,
/// and no outgrown array stays behind in the allocator.
struct Column<Element: Sendable>: Sendable {
  private static var bits: Int { 12 }
  private static var mask: Int { (1 << bits) - 1 }

  private var pieces: ContiguousArray<ContiguousArray<Element>> = []
  private(set) var count = 0

  subscript(position: Int) -> Element {
    get { pieces[position >> Self.bits][position & Self.mask] }
    set { pieces[position >> Self.bits][position & Self.mask] = newValue }
  }

  mutating func append(_ element: Element) {
    if count >> Self.bits == pieces.count {
      var piece = ContiguousArray<Element>()
      // A small queue stays small.
      if count > 0 { piece.reserveCapacity(1 << Self.bits) }
      pieces.append(piece)
    }
    pieces[count >> Self.bits].append(element)
    count += 1
  }

  @discardableResult
  mutating func removeLast() -> Element {
    count -= 1
    let element = pieces[count >> Self.bits].removeLast()
    if count & Self.mask == 0 { pieces.removeLast() }
    return element
  }
}

/// The position of each slot in a heap; one serves several heaps when a slot is in one of them at a time.
struct Places: Sendable {
  private static var none: UInt32 { .max }
  private var column = Column<UInt32>()

  subscript(slot: Slot) -> Int? {
    get {
      guard slot < column.count, case let place = column[Int(slot)], place != Self.none else { return nil }
      return Int(place)
    }
    set {
      while slot >= column.count { column.append(Self.none) }
      column[Int(slot)] = newValue.map { UInt32($0) } ?? Self.none
    }
  }
}
