import CoreTime
import FraudRules
import OrderDomain
import Testing

private func order(_ number: UInt64) -> OrderID { OrderID(high: 0x7000, low: 0x8000_0000_0000_0000 | number) }

private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

@Test func ordersWithinTheWindowAreCountedByKey() {
  var window = VelocityWindow(length: .seconds(10), capacity: 100)
  #expect(window.record("card", order: order(1), now: at(0)) == 1)
  #expect(window.record("card", order: order(2), now: at(5)) == 2)
  #expect(window.record("other", order: order(3), now: at(5)) == 1)
  #expect(window.record("card", order: order(4), now: at(9)) == 3)
  // The first is exactly one window old.
  #expect(window.record("card", order: order(5), now: at(10)) == 3)
  #expect(window.record("card", order: order(6), now: at(100)) == 1)
  #expect(window.count == 1)
}

@Test func anOrderCountsOnceHoweverOftenItIsRepeated() {
  var window = VelocityWindow(length: .seconds(10), capacity: 100)
  #expect(window.record("card", order: order(1), now: at(0)) == 1)
  #expect(window.record("card", order: order(1), now: at(1)) == 1)
  #expect(window.record("mail", order: order(1), now: at(1)) == 1)
  #expect(window.count == 2)
}

@Test func timeThatGoesBackIsTakenAsTheLatest() {
  var window = VelocityWindow(length: .seconds(10), capacity: 100)
  #expect(window.record("card", order: order(1), now: at(50)) == 1)
  #expect(window.record("card", order: order(2), now: at(0)) == 2)
  #expect(window.record("card", order: order(3), now: at(60)) == 1)
}

@Test(arguments: [1, 2, 7, 64]) func theWindowIsBounded(capacity: Int) {
  var window = VelocityWindow(length: .seconds(1_000), capacity: capacity)
  for number in 0..<UInt64(capacity * 5) {
    let count = window.record("card", order: order(number), now: at(Int64(number)))
    #expect(count == min(Int(number) + 1, capacity))
    #expect(window.count <= capacity)
  }
}

/// Against the obvious implementation: a list of everything that ever came.
@Test(arguments: UInt64(1)...20) func theWindowAgreesWithAList(seed: UInt64) {
  var random = SeededRandom(state: seed)
  var window = VelocityWindow(length: .seconds(20), capacity: 10_000)
  var list: [(key: String, order: UInt64, time: Int64)] = []
  var now: Int64 = 0
  for _ in 0..<500 {
    now += Int64.random(in: 0...3, using: &random)
    let key = "key-\(UInt64.random(in: 0...3, using: &random))"
    let number = UInt64.random(in: 0...40, using: &random)
    list.removeAll { now - $0.time >= 20 }
    if !list.contains(where: { $0.key == key && $0.order == number }) { list.append((key, number, now)) }
    let expected = list.count { $0.key == key }
    #expect(window.record(key, order: order(number), now: at(now)) == expected)
    #expect(window.count == list.count)
  }
}

/// splitmix64, so that a failure replays from its seed.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
