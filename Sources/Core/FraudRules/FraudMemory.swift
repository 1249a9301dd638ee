package import CoreTime
package import OrderDomain
import VectorClock

/// Who an order comes from, as keyed hashes: two are equal when the texts of `TraceTexts` were. Nothing can be
/// read from them without the key, so they may be kept.
package struct OrderTraces: Sendable, Hashable {
  package var card: UInt64
  package var email: UInt64
  package var address: UInt64
  /// Nil when it is not known which client an order came from.
  package var client: UInt64?

  package init(card: UInt64, email: UInt64, address: UInt64, client: UInt64? = nil) {
    self.card = card
    self.email = email
    self.address = address
    self.client = client
  }
}

/// What is known at the time of an order about those that came before.
package struct FraudEvidence: Sendable, Hashable {
  /// This order included. Nothing stands for what is not known.
  package var counts: [VelocityKind: Int]
  /// Of approved orders; nil for a customer who is new here, or forgotten.
  package var history: CustomerHistory?
  /// The customer has paid with this card, or had goods sent to this address, before.
  package var cardIsFamiliar = false
  package var addressIsFamiliar = false
  package var now: Timestamp

  package init(
    counts: [VelocityKind: Int] = [:], history: CustomerHistory? = nil,
    now: Timestamp = .init(milliseconds: 0)
  ) {
    self.counts = counts
    self.history = history
    self.now = now
  }
}

/// What fraud detection remembers: counts over sliding windows, and what customers usually spend. Bounded, and
/// time is an argument; `encoded` and `restore` carry it over a restart.
package struct FraudMemory: Sendable {
  /// Orders between event e and their end.
  package static let maximumOpenOrders = 20_000

  private struct OpenOrder: Sendable {
    let evidence: FraudEvidence
    let traces: OrderTraces
    let amount: Int64
  }

  /// Keys of each kind that are remembered.
  package let capacity: Int
  var orders: [VelocityKind: VelocityCounts] = [:]
  var distinct: [VelocityKind: DistinctCounts] = [:]
  var histories: CustomerHistories
  private var open = RecentMap<OrderID, OpenOrder>(capacity: maximumOpenOrders)

  /// `capacity`: 1 … 1,000,000.
  package init(policy: FraudPolicy, capacity: Int) {
    self.capacity = capacity
    histories = CustomerHistories(capacity: capacity)
    adopt(policy)
  }

  /// Goes on under another policy. What is counted over a window whose length changes is counted anew.
  package mutating func adopt(_ policy: FraudPolicy) {
    for kind in VelocityKind.allCases {
      let window = policy.limit(of: kind).window
      switch kind.group {
      case .pace where orders[kind]?.window != window:
        orders[kind] = VelocityCounts(window: window, capacity: capacity)
      case .spread where distinct[kind]?.window != window:
        distinct[kind] = DistinctCounts(window: window, capacity: capacity)
      case .pace, .spread: break
      }
    }
  }

  /// An order came. It counts once, however often this is repeated before `settle`: a repeat gets what the
  /// first call got.
  package mutating func observe(
    _ order: OrderID, _ traces: OrderTraces, amount: Money, now: Timestamp
  ) -> FraudEvidence {
    if let known = open[order] { return known.evidence }
    var counts: [VelocityKind: Int] = [:]
    for kind in VelocityKind.allCases {
      guard let (key, thing) = traces.keys(of: kind) else { continue }
      counts[kind] =
        switch kind.group {
        case .pace: orders[kind]?.record(key, now: now)
        case .spread: distinct[kind]?.record(key, thing, now: now)
        }
    }
    var evidence = FraudEvidence(counts: counts, history: histories[traces.email], now: now)
    evidence.cardIsFamiliar = evidence.history?.cards.contains(traces.card) ?? false
    evidence.addressIsFamiliar = evidence.history?.addresses.contains(traces.address) ?? false
    // No order of a shop is near the limit; half of it keeps sums from overflowing.
    let spent = min(max(amount.minorUnits, 0), .max / 2)
    open.set(OpenOrder(evidence: evidence, traces: traces, amount: spent), for: order)
    return evidence
  }

  /// The order is over. Only approved ones tell what a customer usually spends.
  package mutating func settle(_ order: OrderID, approved: Bool, now: Timestamp) {
    guard let known = open.remove(order), approved else { return }
    histories.add(known.amount, known.traces, now: now)
  }

  /// Keys that are remembered, over all kinds, and those that had to make way.
  package var keys: (remembered: Int, evicted: UInt64) {
    let paces = orders.values.map { ($0.count, $0.evicted) }
    let spreads = distinct.values.map { ($0.count, $0.evicted) }
    return (paces + spreads).reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
  }

  package var customers: Int { histories.count }
}

extension OrderTraces {
  /// What `kind` counts by, and, where it counts different things, the thing.
  fileprivate func keys(of kind: VelocityKind) -> (key: UInt64, thing: UInt64)? {
    switch kind {
    case .ordersPerCard: (card, 0)
    case .ordersPerEmail: (email, 0)
    case .ordersPerAddress: (address, 0)
    case .ordersPerClient: client.map { ($0, 0) }
    case .cardsPerEmail: (email, card)
    case .cardsPerAddress: (address, card)
    case .cardsPerClient: client.map { ($0, card) }
    case .emailsPerCard: (card, email)
    }
  }
}
