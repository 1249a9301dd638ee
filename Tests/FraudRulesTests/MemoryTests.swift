import CoreTime
import FraudRules
import OrderDomain
import Randomness
import Testing

private let traces = OrderTraces(card: 1, email: 2, address: 3, client: 4)

@Test func anOrderCountsOnceUntilItIsOver() throws {
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 100)
  let amount = try euros(2_000)
  let first = memory.observe(orderID(1), traces, amount: amount, now: at(0))
  #expect(Set(first.counts.keys) == Set(VelocityKind.allCases))
  #expect(first.counts.values.allSatisfy { $0 == 1 })
  #expect(memory.observe(orderID(1), traces, amount: amount, now: at(9)) == first)
  let second = memory.observe(orderID(2), traces, amount: amount, now: at(9))
  #expect(second.counts[.ordersPerCard] == 2 && second.counts[.cardsPerEmail] == 1)
  var other = traces
  other.card = 5
  other.client = nil
  let third = memory.observe(orderID(3), other, amount: amount, now: at(10))
  #expect(third.counts[.ordersPerCard] == 1 && third.counts[.ordersPerEmail] == 3)
  #expect(third.counts[.cardsPerEmail] == 2 && third.counts[.cardsPerAddress] == 2)
  #expect(third.counts[.ordersPerClient] == nil && third.counts[.cardsPerClient] == nil)
}

@Test func onlyApprovedOrdersMakeHistory() throws {
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 100)
  for (number, cents) in [1_000, 3_000, 900_000, 2_000].enumerated() {
    let id = orderID(UInt64(number))
    _ = memory.observe(id, traces, amount: try euros(Int64(cents)), now: at(Int64(number)))
    memory.settle(id, approved: cents != 900_000, now: at(Int64(number)))
    // A second settle changes nothing.
    memory.settle(id, approved: true, now: at(Int64(number)))
  }
  let evidence = memory.observe(orderID(9), traces, amount: try euros(1), now: at(100))
  let history = try #require(evidence.history)
  #expect(history.orders == 3 && history.since == at(0))
  #expect(history.usualAmount == 2_000 && history.largestAmount == 3_000)
}

@Test func theLastThreeCardsAndAddressesAreFamiliar() throws {
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 100)
  func order(_ number: UInt64, card: UInt64) throws -> FraudEvidence {
    let traces = OrderTraces(card: card, email: 1, address: card + 100)
    defer { memory.settle(orderID(number), approved: true, now: at(0)) }
    return memory.observe(orderID(number), traces, amount: try euros(1), now: at(0))
  }
  var familiar: [Bool] = []
  for (number, card) in [1, 1, 2, 3, 1, 4, 1, 2].enumerated() as EnumeratedSequence<[UInt64]> {
    let evidence = try order(UInt64(number), card: card)
    #expect(evidence.cardIsFamiliar == evidence.addressIsFamiliar)
    familiar.append(evidence.cardIsFamiliar)
  }
  #expect(familiar == [false, true, false, false, true, false, true, false])
}

/// What went well before is nothing odd when a known customer does it again.
@Test func familiarThingsAreNotOdd() throws {
  let order = testOrder {
    $0.payment.card.holder = "Charles Babbage"
    $0.shippingAddress = Address(street: "Hauptstraße 7", city: "Berlin", postalCode: "10115", country: "DE")
  }
  let history = CustomerHistory(orders: 3, usualAmount: 2_000, largestAmount: 3_000, since: at(-9_999_999))
  func found(card: Bool, address: Bool, now: Int64 = 0) throws -> [String] {
    var evidence = FraudEvidence(history: history, now: at(now))
    evidence.cardIsFamiliar = card
    evidence.addressIsFamiliar = address
    return codes(FraudRules().screenPayment(order, amount: try euros(2_000), evidence: evidence))
  }
  #expect(try found(card: true, address: true) == [])
  #expect(try found(card: true, address: false) == ["country_mismatch"])
  #expect(try found(card: false, address: true) == ["holder_name_mismatch"])
  // Not known for long enough yet.
  #expect(
    try found(card: true, address: true, now: -9_999_990) == ["country_mismatch", "holder_name_mismatch"])
}

@Test(arguments: [(4_500, []), (4_501, []), (10_001, ["amount_unlike_history"])] as [(Int64, [String])])
func amountsAreComparedWithHistory(cents: Int64, expected: [String]) throws {
  let policy = testPolicy { ($0.highAmount, $0.veryHighAmount) = (40, 1_000) }
  let history = CustomerHistory(orders: 3, usualAmount: 2_000, largestAmount: 3_000, since: at(0))
  var known = FraudEvidence(history: history, now: at(7 * 86_400))
  known.addressIsFamiliar = true
  let young = FraudEvidence(history: history, now: at(7 * 86_400 - 1))
  let rules = FraudRules(policy: policy)
  let found = codes(rules.screenPayment(testOrder(), amount: try euros(cents), evidence: known))
  // Half as much again as the largest is usual, so that even a high amount is not odd.
  #expect(found == (cents <= 4_500 ? [] : ["amount_high"]) + expected)
  #expect(
    codes(rules.screenPayment(testOrder(), amount: try euros(cents), evidence: young)) == ["amount_high"])
}

@Test func ofEachGroupOnlyTheWeightiestCounts() throws {
  let counts = Dictionary(uniqueKeysWithValues: VelocityKind.allCases.map { ($0, 10_000) })
  let assessment = FraudRules().screenPayment(
    testOrder(), amount: try euros(100), evidence: FraudEvidence(counts: counts))
  #expect(codes(assessment) == ["orders_per_card", "cards_per_email"])
}

@Test(arguments: VelocityKind.allCases) func theLimitItselfIsUsual(kind: VelocityKind) throws {
  let most = FraudPolicy().limit(of: kind).most
  for (count, expected) in [(most, []), (most + 1, [kind.code.rawValue])] {
    let evidence = FraudEvidence(counts: [kind: count])
    #expect(
      codes(FraudRules().screenPayment(testOrder(), amount: try euros(1), evidence: evidence)) == expected)
  }
}

// MARK: The snapshot

/// A memory in which much has happened.
private func usedMemory(seed: UInt64) throws -> FraudMemory {
  var random = SplitMix64(seed: seed)
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 50)
  for number in 0..<UInt64(300) {
    let traces = OrderTraces(
      card: .random(in: 0...30, using: &random), email: .random(in: 0...80, using: &random),
      address: .random(in: 0...20, using: &random), client: .random(in: 0...9, using: &random))
    let time = at(Int64(number) * 3)
    let amount = try euros(.random(in: 1...100_000, using: &random))
    _ = memory.observe(orderID(number), traces, amount: amount, now: time)
    memory.settle(orderID(number), approved: .random(using: &random), now: time)
  }
  return memory
}

@Test(arguments: UInt64(1)...10) func aRestartForgetsNothing(seed: UInt64) throws {
  var before = try usedMemory(seed: seed)
  let bytes = before.encoded(now: at(900))
  var after = FraudMemory(policy: FraudPolicy(), capacity: 50)
  try after.restore(bytes)
  #expect(after.encoded(now: at(900)) == bytes)
  #expect(after.customers == before.customers)
  var random = SplitMix64(seed: seed + 100)
  for number in 1_000..<UInt64(1_100) {
    let traces = OrderTraces(
      card: .random(in: 0...30, using: &random), email: .random(in: 0...80, using: &random),
      address: .random(in: 0...20, using: &random))
    let (amount, time) = (try euros(5_000), at(Int64(number)))
    #expect(
      before.observe(orderID(number), traces, amount: amount, now: time)
        == after.observe(orderID(number), traces, amount: amount, now: time))
  }
}

@Test func whatIsOverIsNotWritten() throws {
  let memory = try usedMemory(seed: 1)
  let (now, muchLater) = (memory.encoded(now: at(900)), memory.encoded(now: at(900 + 86_400 * 2)))
  #expect(muchLater.count < now.count / 2)
  var after = FraudMemory(policy: FraudPolicy(), capacity: 50)
  try after.restore(muchLater)
  #expect(after.keys.remembered == 0 && after.customers == memory.customers)
}

@Test func aChangedWindowIsCountedAnew() throws {
  let bytes = try usedMemory(seed: 2).encoded(now: at(900))
  let policy = testPolicy { $0.limits[.ordersPerCard] = VelocityLimit(window: .seconds(601), most: 5) }
  var after = FraudMemory(policy: policy, capacity: 50)
  try after.restore(bytes)
  let evidence = after.observe(
    orderID(5_000), OrderTraces(card: 1, email: 1, address: 1), amount: try euros(1), now: at(900))
  #expect(evidence.counts[.ordersPerCard] == 1)
  #expect(evidence.counts[.ordersPerAddress, default: 0] > 1)
}

/// Whatever happens to the file, it is refused as a whole or taken as a whole, and nothing traps.
@Test(arguments: UInt64(1)...200) func aDamagedSnapshotIsRefused(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  var bytes = try usedMemory(seed: 3).encoded(now: at(900))
  switch seed % 3 {
  case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
  case 1: bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
  default:
    bytes.insert(.random(in: 0...255, using: &random), at: .random(in: 0...bytes.count, using: &random))
  }
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 50)
  let damaged = bytes
  #expect(throws: FraudSnapshotError.self) { try memory.restore(damaged) }
  #expect(memory.keys.remembered == 0 && memory.customers == 0)
}

@Test func aNewerSnapshotIsNamedAsSuch() throws {
  var bytes = try usedMemory(seed: 3).encoded(now: at(900))
  bytes[8] = 2
  var memory = FraudMemory(policy: FraudPolicy(), capacity: 50)
  let newer = bytes
  #expect(throws: FraudSnapshotError.unknownVersion(2)) { try memory.restore(newer) }
}
