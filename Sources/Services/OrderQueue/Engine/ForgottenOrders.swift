import OrderDomain

/// Tells which ids the machine may have forgotten, without keeping them.
///
/// The machine remembers the latest `remembered` finished orders. Ids are made in the order of time, so what
/// is greater than every finished id that has left that memory is certainly new, and needs no look at the
/// disk.
struct ForgottenOrders {
  private let generation: Int
  private var upTo: OrderID?
  private var current: OrderID?
  private var previous: OrderID?
  private var count = 0

  /// `greatest`: of what was finished before this process began.
  init(greatest: OrderID?, remembered: Int) {
    upTo = greatest
    generation = max(1, remembered / 2)
  }

  func mayHold(_ id: OrderID) -> Bool { upTo.map { id <= $0 } ?? false }

  mutating func finished(_ id: OrderID) {
    current = max(current ?? id, id)
    count += 1
    guard count >= generation else { return }
    if let previous { upTo = max(upTo ?? previous, previous) }
    previous = current
    current = nil
    count = 0
  }
}
