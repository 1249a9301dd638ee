import FoundationEssentials
import Randomness
import Testing
import VectorClock

private let processes = ["a", "b", "c"]

/// Small, so that all four relations occur often.
private func randomClock(_ random: inout SplitMix64) -> VectorClock {
  VectorClock(
    Dictionary(uniqueKeysWithValues: processes.map { ($0, UInt64.random(in: 0...2, using: &random)) }))
}

private func merged(_ left: VectorClock, _ right: VectorClock) -> VectorClock {
  var result = left
  result.merge(right)
  return result
}

@Test(
  arguments: [
    ([:], [:], CausalRelation.same), (["a": 1], ["a": 1], .same), ([:], ["a": 1], .before),
    (["a": 1], [:], .after),
    (["a": 1], ["a": 2], .before), (["a": 1], ["a": 1, "b": 1], .before),
    (["a": 2], ["a": 1, "b": 1], .concurrent),
    (["a": 1], ["b": 1], .concurrent), (["a": 3, "b": 2], ["a": 3, "b": 1], .after), (["a": 0], [:], .same),
  ] as [([String: UInt64], [String: UInt64], CausalRelation)])
func relations(left: [String: UInt64], right: [String: UInt64], expected: CausalRelation) {
  let (left, right) = (VectorClock(left), VectorClock(right))
  #expect(left.relation(to: right) == expected)
  #expect(left.happenedBefore(right) == (expected == .before))
  #expect(left.isCovered(by: right) == (expected == .before || expected == .same))
  #expect((left == right) == (expected == .same))
}

@Test(arguments: UInt64(1)...20) func theRelationIsAPartialOrder(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  let mirror: [CausalRelation: CausalRelation] = [
    .before: .after, .after: .before, .same: .same, .concurrent: .concurrent,
  ]
  for _ in 0..<200 {
    let (x, y, z) = (randomClock(&random), randomClock(&random), randomClock(&random))
    #expect(x.relation(to: x) == .same)
    #expect(y.relation(to: x) == mirror[x.relation(to: y)])
    // Antisymmetric and transitive.
    if x.isCovered(by: y), y.isCovered(by: x) { #expect(x == y) }
    if x.isCovered(by: y), y.isCovered(by: z) { #expect(x.isCovered(by: z)) }
    if x.happenedBefore(y), y.happenedBefore(z) { #expect(x.happenedBefore(z)) }
  }
}

@Test(arguments: UInt64(1)...20) func mergingGivesTheLeastUpperBound(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  for _ in 0..<200 {
    let (x, y, z) = (randomClock(&random), randomClock(&random), randomClock(&random))
    let join = merged(x, y)
    #expect(x.isCovered(by: join) && y.isCovered(by: join))
    if x.isCovered(by: z), y.isCovered(by: z) { #expect(join.isCovered(by: z)) }
    #expect(join == merged(y, x))
    #expect(merged(join, z) == merged(x, merged(y, z)))
    #expect(merged(x, x) == x && merged(x, VectorClock()) == x)
  }
}

/// A run of three processes that send to each other: the clocks say exactly what the run's own history says.
@Test(arguments: UInt64(1)...20) func clocksAgreeWithTheHistory(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var clocks = Dictionary(uniqueKeysWithValues: processes.map { ($0, VectorClock()) })
  var pasts = Dictionary(uniqueKeysWithValues: processes.map { ($0, Set<Int>()) })
  var events: [(clock: VectorClock, past: Set<Int>)] = []
  for number in 0..<60 {
    let process = processes[Int.random(in: 0..<3, using: &random)]
    var clock = clocks[process] ?? VectorClock()
    var past = pasts[process] ?? []
    if Bool.random(using: &random), let message = events.randomElement(using: &random) {
      clock.receive(message.clock, at: process)
      past.formUnion(message.past)
    } else {
      clock.tick(process)
    }
    past.insert(number)
    clocks[process] = clock
    pasts[process] = past
    events.append((clock, past))
  }
  for (i, first) in events.enumerated() {
    for (j, second) in events.enumerated() where i != j {
      #expect(first.clock.happenedBefore(second.clock) == second.past.contains(i), "\(i) and \(j)")
    }
  }
}

/// Against a dictionary of the same counters, and in the order of the names whatever came in which order.
@Test(arguments: UInt64(1)...20) func entriesAreAMapInOrder(seed: UInt64) {
  let names = ["a", "b", "executor-10", "executor-9", "orchestrator", "transaction-verification", "ä"]
  var random = SplitMix64(seed: seed)
  var clock = VectorClock()
  var model: [String: UInt64] = [:]
  for _ in 0..<200 {
    if Bool.random(using: &random) {
      let name = names[Int.random(in: 0..<names.count, using: &random)]
      clock.tick(name)
      model[name, default: 0] += 1
    } else {
      let some = names.shuffled(using: &random).prefix(Int.random(in: 0...4, using: &random)).map {
        VectorClock.Entry(process: $0, count: UInt64.random(in: 0...20, using: &random))
      }
      clock.merge(VectorClock(some))
      for entry in some where entry.count > 0 {
        model[entry.process] = max(model[entry.process] ?? 0, entry.count)
      }
    }
    #expect(clock.components == model)
    #expect(clock.entries.map(\.process) == model.keys.sorted())
    #expect(clock == VectorClock(model))
  }
}

@Test func theLastEntryOfAProcessCounts() {
  let entries = [("b", 1), ("a", 2), ("b", 3), ("a", 0)].map {
    VectorClock.Entry(process: $0.0, count: $0.1)
  }
  #expect(VectorClock(entries) == VectorClock(["b": 3]))
}

@Test func aReceiptMergesAndTicks() {
  var clock = VectorClock(["a": 2, "b": 1])
  clock.receive(VectorClock(["b": 5, "c": 1]), at: "a")
  #expect(clock.components == ["a": 3, "b": 5, "c": 1])
  #expect(clock["a"] == 3 && clock["nobody"] == 0)
  #expect(clock.description == "{a:3 b:5 c:1}")
  #expect(VectorClock(clock.description) == clock)
  #expect(VectorClock("{}") == VectorClock())
  let wrong = [
    "", "{", "a:1", "{a:1", "{a}", "{a:}", "{a:-1}", "{a:0}", "{a:1 a:2}", "{a:18446744073709551616}",
  ]
  for other in wrong {
    #expect(VectorClock(other) == nil, "\(other)")
  }
}

@Test func aClockIsAMapInJSONAndDropsZeros() throws {
  let read = try JSONDecoder().decode(VectorClock.self, from: Data(#"{"a": 1, "b": 0}"#.utf8))
  #expect(read == VectorClock(["a": 1]))
  #expect(String(decoding: try JSONEncoder().encode(read), as: UTF8.self) == #"{"a":1}"#)
}

@Test(arguments: [#"{"a": -1}"#, #"{"a": 1.5}"#, "[]", #"{"a": "1"}"#]) func noClock(_ json: String) {
  #expect(throws: DecodingError.self) { try JSONDecoder().decode(VectorClock.self, from: Data(json.utf8)) }
}

@Test func aCounterStopsAtItsGreatestValue() {
  var clock = VectorClock(["p": .max - 1])
  clock.tick("p")
  clock.receive(VectorClock(["p": .max, "q": 1]), at: "p")
  #expect(clock == VectorClock(["p": .max, "q": 1]))
}
