import Randomness
import Testing
import VectorClock

@Test func aKnownKeyKeepsItsPlaceAndTheFirstGoesFirst() {
  var map = RecentMap<Int, String>(capacity: 2)
  map.set("a", for: 1)
  map.set("b", for: 2)
  map.set("c", for: 1)
  #expect(map[1] == "c" && map.count == 2)
  map.set("d", for: 3)
  #expect(map[1] == nil && map[2] == "b" && map[3] == "d")
  #expect(map.remove(2) == "b" && map.remove(2) == nil)
  #expect(map.count == 1 && map.evicted == 1)
}

/// Against a model that is a plain list of keys in the order of their arrival.
@Test(arguments: UInt64(1)...20) func aRecentMapForgetsAsAListWould(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var map = RecentMap<Int, Int>(capacity: 6)
  var model: [Int] = []
  for step in 0..<2_000 {
    let key = Int.random(in: 0..<12, using: &random)
    if Int.random(in: 0..<3, using: &random) == 0 {
      #expect((map.remove(key) != nil) == model.contains(key))
      model.removeAll { $0 == key }
    } else {
      map.set(step, for: key)
      if !model.contains(key) {
        if model.count == 6 { model.removeFirst() }
        model.append(key)
      }
    }
    #expect(map.count == model.count && model.allSatisfy { map[$0] != nil }, "seed \(seed), step \(step)")
  }
}
