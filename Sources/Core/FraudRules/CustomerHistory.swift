package import CoreTime

/// The last three different things of a kind, as tags out of keyed hashes; 0 where there is none yet.
package struct RecentTags: Sendable, Hashable {
  private(set) var first: UInt32 = 0
  private(set) var second: UInt32 = 0
  private(set) var third: UInt32 = 0

  package init() {}

  func contains(_ thing: UInt64) -> Bool {
    let tag = Self.tag(thing)
    return tag == first || tag == second || tag == third
  }

  mutating func add(_ thing: UInt64) {
    let tag = Self.tag(thing)
    if tag == first { return }
    if tag != second { third = second }
    second = first
    first = tag
  }

  func encode(into writer: inout ByteWriter) {
    writer.put(first)
    writer.put(second)
    writer.put(third)
  }

  init(from reader: inout ByteReader) throws(FraudSnapshotError) {
    first = try reader.uint32()
    second = try reader.uint32()
    third = try reader.uint32()
  }

  private static func tag(_ thing: UInt64) -> UInt32 {
    max(UInt32(truncatingIfNeeded: thing ^ thing >> 32), 1)
  }
}

/// What is remembered of a customer's approved orders.
package struct CustomerHistory: Sendable, Hashable {
  /// Approved orders, at most 65,535 are counted.
  package var orders: Int
  /// The mean of the last twenty or so, in minor units.
  package var usualAmount: Int64
  package var largestAmount: Int64
  /// When the first order was approved.
  package var since: Timestamp
  /// Cards that paid, and addresses that goods went to.
  var cards = RecentTags()
  var addresses = RecentTags()

  package init(orders: Int, usualAmount: Int64, largestAmount: Int64, since: Timestamp) {
    self.orders = orders
    self.usualAmount = usualAmount
    self.largestAmount = largestAmount
    self.since = since
  }

  /// How quickly `usualAmount` follows.
  private static let memory = 20

  mutating func add(_ amount: Int64, card: UInt64, address: UInt64) {
    cards.add(card)
    addresses.add(address)
    orders = min(orders + 1, Int(UInt16.max))
    usualAmount += (amount - usualAmount) / Int64(min(orders, Self.memory))
    largestAmount = max(largestAmount, amount)
  }
}

/// The histories of the customers who ordered last, bounded.
struct CustomerHistories: Sendable {
  private var table: SlotTable
  private var histories: [CustomerHistory] = []

  init(capacity: Int) { table = SlotTable(capacity: capacity) }

  var count: Int { table.count }

  subscript(customer: UInt64) -> CustomerHistory? { table.slot(of: customer).map { histories[$0] } }

  /// An order for `amount` (not negative) was approved.
  mutating func add(_ amount: Int64, _ traces: OrderTraces, now: Timestamp) {
    let (slot, isNew) = table.use(traces.email)
    if isNew {
      set(CustomerHistory(orders: 0, usualAmount: 0, largestAmount: 0, since: now), at: slot)
    }
    histories[slot].add(amount, card: traces.card, address: traces.address)
  }

  private mutating func set(_ history: CustomerHistory, at slot: Int) {
    if slot == histories.count { histories.append(history) } else { histories[slot] = history }
  }

  func encode(into writer: inout ByteWriter) {
    writer.put(UInt32(table.count))
    for slot in table.leastRecentFirst {
      let history = histories[slot]
      writer.put(table.keys[slot])
      writer.put(UInt16(history.orders))
      for number in [history.usualAmount, history.largestAmount, history.since.milliseconds] {
        writer.put(UInt64(bitPattern: number))
      }
      history.cards.encode(into: &writer)
      history.addresses.encode(into: &writer)
    }
  }

  mutating func restore(from reader: inout ByteReader) throws(FraudSnapshotError) {
    let entries = try reader.count(entrySize: 8 + 2 + 3 * 8 + 2 * 12)
    for _ in 0..<entries {
      let (key, orders) = (try reader.uint64(), Int(try reader.uint16()))
      let usual = Int64(bitPattern: try reader.uint64())
      let largest = Int64(bitPattern: try reader.uint64())
      let since = Timestamp(milliseconds: Int64(bitPattern: try reader.uint64()))
      guard orders > 0, (0...Int64.max / 2).contains(usual), usual <= largest else { throw .damaged }
      var history = CustomerHistory(orders: orders, usualAmount: usual, largestAmount: largest, since: since)
      history.cards = try RecentTags(from: &reader)
      history.addresses = try RecentTags(from: &reader)
      set(history, at: table.use(key).slot)
    }
  }
}
