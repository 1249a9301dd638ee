/// The clocks that one process keeps of the orders in flight, until each is settled. Bounded.
package struct OrderClocks<OrderID: Hashable & Sendable>: Sendable {
  /// This process's component.
  package let process: String
  /// Most orders kept; beyond it the one that was touched first is given up.
  package let capacity: Int
  private var clocks: [OrderID: VectorClock] = [:]
  private var arrivals: [OrderID] = []
  private var oldest = 0
  /// Orders given up because more than `capacity` were unsettled.
  package private(set) var evicted: UInt64 = 0

  /// `capacity` is at least 1.
  package init(process: String, capacity: Int) {
    precondition(capacity > 0, "an OrderClocks must hold at least one order")
    self.process = process
    self.capacity = capacity
  }

  package var count: Int { clocks.count }

  package subscript(order: OrderID) -> VectorClock? { clocks[order] }

  /// A message about `order` arrived with `message`. Returns the clock after the receipt.
  package mutating func receive(_ message: VectorClock, for order: OrderID) -> VectorClock {
    update(order) { clock, process in clock.receive(message, at: process) }
  }

  /// A local event or a send about `order`. Returns the clock after it.
  package mutating func tick(_ order: OrderID) -> VectorClock { update(order) { clock, process in clock.tick(process) } }

  /// The order is over with `finalClock`. Forgets it and tells whether what this process knows is covered by it.
  package mutating func settle(_ order: OrderID, finalClock: VectorClock) -> Settlement {
    guard let own = clocks.removeValue(forKey: order) else { return .unknown }
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

  private mutating func update(_ order: OrderID, _ change: (inout VectorClock, String) -> Void) -> VectorClock {
    if clocks[order] == nil { admit(order) }
    var clock = clocks[order] ?? VectorClock()
    change(&clock, process)
    clocks[order] = clock
    return clock
  }

  private mutating func admit(_ order: OrderID) {
    while clocks.count >= capacity, oldest < arrivals.count {
      if clocks.removeValue(forKey: arrivals[oldest]) != nil { evicted += 1 }
      oldest += 1
    }
    // Settled orders leave their places behind; drop those so that memory follows the live orders.
    if arrivals.count >= 2 * capacity {
      arrivals = arrivals[oldest...].filter { clocks[$0] != nil }
      oldest = 0
    }
    arrivals.append(order)
  }
}
