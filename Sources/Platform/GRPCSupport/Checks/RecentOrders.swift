package import OrderDomain

/// What a service remembers of the orders in flight. Bounded: the one that came first is forgotten first.
package struct RecentOrders<Value: Sendable>: Sendable {
  package let capacity: Int
  private var values: [OrderID: (value: Value, arrival: UInt64)] = [:]
  /// In the order of arrival, with places of orders that were forgotten since.
  private var arrivals: [(order: OrderID, arrival: UInt64)] = []
  private var oldest = 0
  private var arrived: UInt64 = 0

  /// `capacity` is at least 1.
  package init(capacity: Int) {
    precondition(capacity > 0, "a RecentOrders must hold at least one order")
    self.capacity = capacity
  }

  package var count: Int { values.count }

  package subscript(order: OrderID) -> Value? { values[order]?.value }

  package mutating func remember(_ value: Value, of order: OrderID) {
    if let known = values[order] {
      values[order] = (value, known.arrival)
      return
    }
    while values.count >= capacity, oldest < arrivals.count {
      // A place whose order was forgotten, and perhaps came again later, is not that order's any more.
      let place = arrivals[oldest]
      if values[place.order]?.arrival == place.arrival { values[place.order] = nil }
      oldest += 1
    }
    if arrivals.count >= 2 * capacity {
      arrivals = arrivals[oldest...].filter { values[$0.order]?.arrival == $0.arrival }
      oldest = 0
    }
    arrived += 1
    values[order] = (value, arrived)
    arrivals.append((order, arrived))
  }

  @discardableResult
  package mutating func forget(_ order: OrderID) -> Value? { values.removeValue(forKey: order)?.value }
}
