/// Who may have an order checked next: the places of the `CheckoutPool`, of which batches together get a
/// share.
///
/// Orders by themselves are admitted or refused at once. The lines of batches wait for seats: whatever
/// becomes free goes to them until they have their share, and among them to the batch that has the fewest, so
/// that a hundred batches go on side by side and none holds another up.
struct SeatPlan: Sendable {
  typealias Batch = UInt64

  /// Orders being checked at a time.
  let capacity: Int
  /// Seats of all batches, and batches that are open at a time: each can have one.
  let share: Int
  /// Orders by themselves.
  private(set) var singles = 0
  /// Seats that are taken.
  private(set) var seats = 0
  private var held: [Batch: Int] = [:]
  /// Batches that wait for a seat, each once, in the order in which they asked.
  private var line: [Batch] = []
  private var last: Batch = 0

  /// `capacity`: at least 1.
  init(capacity: Int) {
    self.capacity = capacity
    share = max(1, capacity / 2)
  }

  /// Batches that are open.
  var batches: Int { held.count }

  /// Whether there was a place for an order by itself; follow with `leave`.
  mutating func admit() -> Bool {
    guard singles + seats < capacity else { return false }
    singles += 1
    return true
  }

  /// Gives the place of `admit` back. Returns the batches that get a seat with it.
  mutating func leave() -> [Batch] {
    precondition(singles > 0, "a place was given back twice")
    singles -= 1
    return grant()
  }

  /// Nil when as many batches are open as there can be seats.
  mutating func open() -> Batch? {
    guard held.count < share else { return nil }
    last += 1
    held[last] = 0
    return last
  }

  /// Asks for a seat; a batch asks for one at a time. Returns the batches that get one now, of which it may
  /// be one.
  mutating func ask(_ batch: Batch) -> [Batch] {
    guard held[batch] != nil, !line.contains(batch) else { return [] }
    line.append(batch)
    return grant()
  }

  /// `batch` does not wait any more. False when it did not.
  mutating func withdraw(_ batch: Batch) -> Bool {
    guard let index = line.firstIndex(of: batch) else { return false }
    line.remove(at: index)
    return true
  }

  /// Gives a seat back. Returns the batches that get one.
  mutating func rise(_ batch: Batch) -> [Batch] {
    guard let seats = held[batch], seats > 0 else { return [] }
    held[batch] = seats - 1
    self.seats -= 1
    return grant()
  }

  /// The batch is over, with all its seats.
  mutating func close(_ batch: Batch) -> [Batch] {
    line.removeAll { $0 == batch }
    seats -= held.removeValue(forKey: batch) ?? 0
    return grant()
  }

  private mutating func grant() -> [Batch] {
    var granted: [Batch] = []
    while seats < share, singles + seats < capacity,
      let next = line.indices.min(by: { held[line[$0], default: 0] < held[line[$1], default: 0] })
    {
      let batch = line.remove(at: next)
      held[batch, default: 0] += 1
      seats += 1
      granted.append(batch)
    }
    return granted
  }
}
