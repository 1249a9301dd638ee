import Randomness
import Testing
import VectorClock

@Test func anOrdersClockIsKeptUntilItIsSettled() {
  var clocks = OrderClocks<Int>(process: "fraud-detection", capacity: 10)
  #expect(
    clocks.receive(VectorClock(["orchestrator": 2]), for: 1).description
      == "{fraud-detection:1 orchestrator:2}")
  #expect(clocks.tick(1)["fraud-detection"] == 2)
  #expect(clocks[1]?["fraud-detection"] == 2 && clocks[2] == nil)
  let own = VectorClock(["fraud-detection": 2, "orchestrator": 2])
  #expect(
    clocks.settle(1, finalClock: VectorClock(["fraud-detection": 2, "orchestrator": 9])) == .consistent(own))
  #expect(clocks.count == 0)
  #expect(clocks.settle(1, finalClock: own) == .unknown)
}

@Test(
  arguments: [["fraud-detection": 1, "orchestrator": 9], [:], ["orchestrator": 2]] as [[String: UInt64]])
func aFinalClockThatDoesNotCoverTheOwnIsAViolation(final: [String: UInt64]) {
  var clocks = OrderClocks<Int>(process: "fraud-detection", capacity: 10)
  _ = clocks.receive(VectorClock(["orchestrator": 2]), for: 1)
  let own = clocks.tick(1)
  #expect(clocks.settle(1, finalClock: VectorClock(final)) == .violation(own))
  #expect(clocks.count == 0)
}

@Test(arguments: [1, 2, 5, 100]) func beyondTheCapacityTheOldestGoes(capacity: Int) {
  var clocks = OrderClocks<Int>(process: "p", capacity: capacity)
  for order in 0..<(capacity * 4) {
    _ = clocks.tick(order)
    #expect(clocks.count == min(order + 1, capacity))
    #expect(clocks[order] != nil)
    if order >= capacity { #expect(clocks[order - capacity] == nil) }
  }
  #expect(clocks.evicted == UInt64(capacity * 3))
}

/// A settled order that comes again is a fresh one: the place of its first visit is not its own.
@Test func anOrderThatCameAgainIsNotGivenUpForItsFirstVisit() {
  var clocks = OrderClocks<Int>(process: "p", capacity: 2)
  _ = clocks.tick(1)
  #expect(clocks.settle(1, finalClock: VectorClock(["p": 1])) != .unknown)
  _ = clocks.tick(2)
  _ = clocks.tick(1)
  _ = clocks.tick(3)
  #expect(clocks[2] == nil && clocks[1] != nil && clocks[3] != nil)
  #expect(clocks.evicted == 1)
}

/// Whatever comes and goes, no more than `capacity` are kept, and an order in flight is given up only for room.
@Test(arguments: UInt64(1)...20) func theClocksAreBounded(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var clocks = OrderClocks<Int>(process: "p", capacity: 8)
  var admitted: Set<Int> = []
  var settled: UInt64 = 0
  for _ in 0..<2_000 {
    let order = Int.random(in: 0..<40, using: &random)
    if Int.random(in: 0..<3, using: &random) == 0 {
      if clocks.settle(order, finalClock: VectorClock(["p": .max])) != .unknown { settled += 1 }
    } else {
      if clocks[order] == nil { admitted.insert(order) }
      _ = clocks.tick(order)
      #expect(clocks[order] != nil)
    }
    #expect(clocks.count <= 8)
    if admitted.count <= 8 { #expect(clocks.evicted == 0) }
  }
  #expect(settled > 0 && clocks.evicted > 0)
}
