import Randomness
import Testing
import VectorClock

private func event(_ process: String, _ clock: [String: UInt64], _ name: String = "") -> CausalEvent {
  CausalEvent(process: process, clock: VectorClock(clock), name: name.isEmpty ? process : name)
}

/// A run of processes that work and send to each other at random: its real history is known.
private func randomRun(seed: UInt64, events count: Int) -> [CausalEvent] {
  var random = SplitMix64(seed: seed)
  let names = ["p", "q", "r"]
  var clocks = [VectorClock(), VectorClock(), VectorClock()]
  var inFlight: [VectorClock] = []
  return (0..<count).map { number in
    let process = Int.random(in: 0..<3, using: &random)
    if !inFlight.isEmpty, Bool.random(using: &random) {
      let message = inFlight.remove(at: Int.random(in: inFlight.indices, using: &random))
      clocks[process].receive(message, at: names[process])
    } else {
      clocks[process].tick(names[process])
      inFlight.append(clocks[process])
    }
    return CausalEvent(process: names[process], clock: clocks[process], name: "\(number)")
  }
}

struct CausalHistoryTests {
  @Test func aChainHasOneEdgeForEachStep() {
    let history = CausalHistory([event("p", ["p": 1]), event("p", ["p": 2]), event("q", ["p": 2, "q": 1])])
    #expect(history.edges == [.init(from: 0, to: 1), .init(from: 1, to: 2)])
    #expect(history.concurrentPairs == 0)
  }

  @Test func aDiamondKeepsItsFourSides() {
    let history = CausalHistory([
      event("p", ["p": 1]), event("q", ["p": 1, "q": 1]), event("r", ["p": 1, "r": 1]),
      event("p", ["p": 2, "q": 1, "r": 1]),
    ])
    #expect(
      Set(history.edges) == [
        .init(from: 0, to: 1), .init(from: 0, to: 2), .init(from: 1, to: 3), .init(from: 2, to: 3),
      ])
    #expect(history.areConcurrent(1, 2) && !history.areConcurrent(0, 3) && history.concurrentPairs == 1)
  }

  @Test func theRecordedOrderDoesNotMatter() {
    let history = CausalHistory([event("q", ["p": 1, "q": 1]), event("p", ["p": 1])])
    #expect(history.edges == [.init(from: 1, to: 0)])
  }

  @Test func linesUnderOneClockAreOrderedAsTheyStand() {
    let history = CausalHistory([event("q", ["q": 3], "queued"), event("q", ["q": 3], "executing")])
    #expect(history.edges == [.init(from: 0, to: 1)])
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func theReductionIsTheSmallestGraphWithTheSameRelation(seed: UInt64) {
    let history = CausalHistory(randomRun(seed: seed, events: 30))
    func closure(_ edges: [CausalHistory.Edge]) -> Set<CausalHistory.Edge> {
      var known = Set(edges)
      while true {
        let more = known.flatMap { first in
          edges.filter { $0.from == first.to }.map { CausalHistory.Edge(from: first.from, to: $0.to) }
        }
        let next = known.union(more)
        if next.count == known.count { return known }
        known = next
      }
    }
    let relation = Set(
      history.events.indices.flatMap { later in
        history.events.indices.filter { history.happenedBefore($0, later) }.map {
          CausalHistory.Edge(from: $0, to: later)
        }
      })
    let edges = history.edges
    #expect(closure(edges) == relation, "seed \(seed)")
    for edge in edges {
      #expect(closure(edges.filter { $0 != edge }) != relation, "seed \(seed): \(edge) is not needed")
    }
  }

  @Test func onlyTheLastEventsOfALongHistoryAreKept() {
    let run = (1...CausalHistory.maximumEvents + 5).map { event("p", ["p": UInt64($0)]) }
    let history = CausalHistory(run)
    #expect(history.events.count == CausalHistory.maximumEvents && history.events[0] == run[5])
    #expect(history.edges.count == CausalHistory.maximumEvents - 1)
  }
}

struct CausalAuditTests {
  private let audit = CausalAudit(requirements: [.init("a", before: "c")], ticking: ["a", "c"])

  private func rules(_ events: [CausalEvent], final: [String: UInt64]? = nil) -> [CausalViolation.Rule] {
    audit.violations(of: CausalHistory(events), finalClock: final.map { VectorClock($0) }).map(\.rule)
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>) func whatReallyHappenedIsConsistent(seed: UInt64) {
    let run = randomRun(seed: seed, events: 40)
    var final = VectorClock()
    for event in run { final.merge(event.clock) }
    let audit = CausalAudit(requirements: [], ticking: Set(run.map(\.name)))
    #expect(audit.violations(of: CausalHistory(run), finalClock: final).isEmpty)
  }

  @Test func aProcessThatGoesBackwardsIsNamed() {
    #expect(rules([event("p", ["p": 2]), event("p", ["p": 1])]) == [.processOrder])
    #expect(rules([event("p", ["p": 1]), event("p", ["q": 1])]) == [.processOrder])
  }

  @Test func anEventThatDidNotWaitIsNamed() {
    let a = event("p", ["p": 1], "a")
    #expect(rules([a, event("q", ["p": 1, "q": 1], "c")]).isEmpty)
    #expect(rules([a, event("q", ["q": 1], "c")]) == [.requiredOrder])
    #expect(rules([event("q", ["q": 1], "c")]).isEmpty, "what was not recorded cannot be compared")
  }

  @Test func anOrderThatWasTakenUpAgainMayRepeatItsEvents() {
    let history = [
      event("p", ["p": 1], "a"), event("q", ["p": 1, "q": 1], "c"), event("p", ["p": 2, "q": 1], "a"),
      event("q", ["p": 2, "q": 2], "c"),
    ]
    #expect(rules(history).isEmpty)
  }

  @Test func anEventThatDoesNotCountItselfIsNamed() {
    #expect(rules([event("p", ["q": 1], "a")]) == [.ownTick])
    #expect(rules([event("p", ["q": 1], "told")]).isEmpty)
  }

  @Test func whatTheFinalClockDoesNotCoverIsNamed() {
    #expect(rules([event("p", ["p": 2], "a")], final: ["p": 2, "q": 1]).isEmpty)
    #expect(rules([event("p", ["p": 2], "a")], final: ["p": 1]) == [.beyondFinal])
  }

  @Test func theListOfViolationsIsBounded() {
    let run = (0..<300).map { event("p", ["p": UInt64(300 - $0)]) }
    #expect(rules(run).count == CausalAudit.maximumViolations)
  }
}
