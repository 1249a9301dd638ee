import CoreTime
import FraudRules
import Randomness
import Testing

@Test func ordersWithinTheWindowAreCountedByKey() {
  var counts = VelocityCounts(window: .seconds(120), capacity: 100)
  #expect(counts.record(1, now: at(0)) == 1)
  #expect(counts.record(1, now: at(50)) == 2)
  #expect(counts.record(2, now: at(50)) == 1)
  #expect(counts.record(1, now: at(109)) == 3)
  // The bucket of the first is over.
  #expect(counts.record(1, now: at(120)) == 3)
  #expect(counts.record(1, now: at(1_000)) == 1)
  #expect(counts.count == 2)
}

@Test func aClockThatGoesBackCountsAsTheLatest() {
  var counts = VelocityCounts(window: .seconds(120), capacity: 100)
  #expect(counts.record(1, now: at(50)) == 1)
  #expect(counts.record(1, now: at(0)) == 2)
  // By more than the window: it was wrong before, and must not count for ever.
  #expect(counts.record(1, now: at(-1_000)) == 1)
  #expect(counts.record(1, now: at(-990)) == 2)
}

@Test func countsStopAtTheirGreatest() {
  var counts = VelocityCounts(window: .seconds(120), capacity: 1)
  var last = 0
  for _ in 0..<70_000 { last = counts.record(1, now: at(0)) }
  #expect(last == 65_535)
}

@Test(arguments: [1, 2, 7, 64]) func theKeyUsedLeastRecentlyMakesWay(capacity: Int) {
  var counts = VelocityCounts(window: .seconds(1_000), capacity: capacity)
  for key in 1...UInt64(capacity) { #expect(counts.record(key, now: at(0)) == 1) }
  // The first is used again, so that it is not the one.
  #expect(counts.record(1, now: at(1)) == 2)
  #expect(counts.record(99, now: at(2)) == 1)
  #expect(counts.count == capacity && counts.evicted == 1)
  if capacity > 1 {
    #expect(counts.record(1, now: at(3)) == 3)
    #expect(counts.record(2, now: at(4)) == 1)
  }
}

/// Against the obvious implementation, a list of everything that came: the window reaches back for 11/12 to
/// 12/12 of its length, so the count lies between those of the two lists.
@Test(arguments: UInt64(1)...20) func theCountsAgreeWithAList(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var counts = VelocityCounts(window: .seconds(24), capacity: 10_000)
  var list: [(key: UInt64, time: Int64)] = []
  var now: Int64 = 0
  for _ in 0..<500 {
    now += Int64.random(in: 0...3, using: &random)
    let key = UInt64.random(in: 0...3, using: &random)
    list.append((key, now))
    let least = list.count { $0.key == key && now - $0.time < 22 }
    let most = list.count { $0.key == key && now - $0.time < 24 }
    #expect((least...most).contains(counts.record(key, now: at(now))))
  }
}

@Test func differentThingsAreCountedOnce() {
  var cards = DistinctCounts(window: .seconds(120), capacity: 10)
  #expect(cards.record(1, 11, now: at(0)) == 1)
  #expect(cards.record(1, 11, now: at(1)) == 1)
  #expect(cards.record(1, 12, now: at(60)) == 2)
  #expect(cards.record(2, 11, now: at(60)) == 1)
  // 11 is over; 12 is not.
  #expect(cards.record(1, 13, now: at(125)) == 2)
  #expect(cards.record(1, 12, now: at(10_000)) == 1)
  // A clock that was far ahead is put right: what it left is forgotten.
  #expect(cards.record(1, 12, now: at(0)) == 1)
  #expect(cards.record(1, 14, now: at(1)) == 2)
}

@Test func noMoreThanEightAreToldApart() {
  var cards = DistinctCounts(window: .seconds(120), capacity: 10)
  for thing in 1...20 as ClosedRange<UInt64> {
    #expect(cards.record(7, thing, now: at(Int64(thing))) == min(Int(thing), DistinctCounts.most))
  }
}

@Test(arguments: UInt64(1)...20) func differentThingsAgreeWithAList(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var cards = DistinctCounts(window: .seconds(24), capacity: 10_000)
  var list: [(key: UInt64, thing: UInt64, time: Int64)] = []
  var now: Int64 = 0
  for _ in 0..<500 {
    now += Int64.random(in: 0...3, using: &random)
    let (key, thing) = (UInt64.random(in: 0...3, using: &random), UInt64.random(in: 1...6, using: &random))
    list.append((key, thing, now))
    func count(_ reach: Int64) -> Int {
      Set(list.filter { $0.key == key && now - $0.time < reach }.map(\.thing)).count
    }
    #expect((count(22)...count(24)).contains(cards.record(key, thing, now: at(now))))
  }
}
