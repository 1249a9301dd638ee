import Randomness
import Testing
import VectorClock

@Suite struct CausalOrderTests {
  private typealias Item = CausalOrder.Item

  @Test func whatHappenedBeforeStandsBeforeWhateverTheMachinesClocksSay() {
    // executor-3's clock is behind: its entry is read first.
    let items = [
      Item(
        process: "executor-3", clock: VectorClock(["orchestrator": 4, "order-queue": 1, "executor-3": 3])),
      Item(process: "orchestrator", clock: VectorClock(["orchestrator": 3])),
      Item(process: "order-queue", clock: VectorClock(["orchestrator": 4, "order-queue": 1])),
    ]
    #expect(CausalOrder.sorted(items) == [1, 2, 0])
  }

  @Test func whatHasNoClockStaysWithItsProcess() {
    let items = [
      Item(process: "executor-3", clock: nil),
      Item(process: "executor-3", clock: VectorClock(["orchestrator": 4, "executor-3": 3])),
      Item(process: "executor-3", clock: nil),
      Item(process: "orchestrator", clock: VectorClock(["orchestrator": 3])),
      Item(process: "orchestrator", clock: VectorClock(["orchestrator": 5, "executor-3": 3])),
      Item(process: "other", clock: nil),
    ]
    #expect(CausalOrder.sorted(items) == [3, 0, 1, 2, 4, 5])
  }

  @Test func sumsDoNotOverflow() {
    let items = [
      Item(process: "b", clock: VectorClock(["a": .max, "b": .max])),
      Item(process: "a", clock: VectorClock(["a": 1])),
    ]
    #expect(CausalOrder.sorted(items) == [1, 0])
  }

  /// Histories made by sending and receiving at random, read in an order that wrong clocks gave them.
  @Test(arguments: 0..<200) func noEffectStandsBeforeItsCause(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let names = ["orchestrator", "order-queue", "executor-1", "executor-3", "fraud-detection"]
    var clocks = Dictionary(uniqueKeysWithValues: names.map { ($0, VectorClock()) })
    var written: [String: [VectorClock]] = [:]
    for _ in 0..<40 {
      let name = names[Int.random(in: names.indices, using: &random)]
      let from = names[Int.random(in: names.indices, using: &random)]
      if Bool.random(using: &random), from != name {
        let message = clocks[from] ?? VectorClock()
        clocks[name]?.receive(message, at: name)
      } else {
        clocks[name]?.tick(name)
      }
      if let clock = clocks[name], Bool.random(using: &random) { written[name, default: []].append(clock) }
    }
    var items: [Item] = []
    while !written.isEmpty {
      guard let name = written.keys.sorted().randomElement(using: &random) else { break }
      if var rest = written[name], !rest.isEmpty {
        items.append(Item(process: name, clock: rest.removeFirst()))
        written[name] = rest.isEmpty ? nil : rest
      }
    }
    let order = CausalOrder.sorted(items)
    #expect(order.sorted() == Array(items.indices))
    for (place, later) in order.enumerated() {
      for earlier in order[..<place] {
        guard let a = items[earlier].clock, let b = items[later].clock else { continue }
        #expect(!b.happenedBefore(a))
      }
    }
  }
}
