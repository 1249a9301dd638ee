/// The clocks that one process keeps of the orders in flight, until each is settled. Bounded.
package struct OrderClocks<OrderID: Hashable & Sendable>: Sendable {
  /// This process's component.
  package let process: String
  private var clocks: RecentMap<OrderID, VectorClock>

  /// `capacity`: most orders kept, at least 1; beyond it the one that was touched first is given up.
  package init(process: String, capacity: Int) {
    self.process = process
    clocks = RecentMap(capacity: capacity)
  }

  package var capacity: Int { clocks.capacity }

  /// Orders given up because more than `capacity` were unsettled.
  package var evicted: UInt64 { clocks.evicted }

  package var count: Int { clocks.count }

  package subscript(order: OrderID) -> VectorClock? { clocks[order] }

  /// A message about `order` arrived with `message`. Returns the clock after the receipt.
  package mutating func receive(_ message: VectorClock, for order: OrderID) -> VectorClock {
    update(order) { clock, process in clock.receive(message, at: process) }
  }

  /// A local event or a send about `order`. Returns the clock after it.
  package mutating func tick(_ order: OrderID) -> VectorClock {
    update(order) { clock, process in clock.tick(process) }
  }

  /// The order is over with `finalClock`. Forgets it and tells whether what this process knows is covered by it.
  package mutating func settle(_ order: OrderID, finalClock: VectorClock) -> Settlement {
    guard let own = clocks.remove(order) else { return .unknown }
    return own.isCovered(by: finalClock) ? .consistent(own) : .violation(own)
  }

  /// What `settle` found.
  package enum Settlement: Sendable, Hashable {
    /// The own clock is `<=` the final one.
    case consistent(VectorClock)
    /// The own clock holds events that the final one does not cover.
    case violation(VectorClock)
    /// Nothing is kept of this order: it never came here, was settled before, or was evicted.
    case unknown
  }

  private mutating func update(_ order: OrderID, _ change: (inout VectorClock, String) -> Void) -> VectorClock
  {
    var clock = clocks[order] ?? VectorClock()
    change(&clock, process)
    clocks.set(clock, for: order)
    return clock
  }
}
