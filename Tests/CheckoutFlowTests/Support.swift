import CheckoutFlow
import CoreTime
import OrderDomain
import Randomness
import VectorClock

let orchestrator = "orchestrator"
let deadlines = CheckoutDeadlines(order: .seconds(2), advisory: .milliseconds(250))

func milliseconds(_ number: Int64) -> Instant { .zero + .milliseconds(number) }

/// A checkout that is fed by hand; keeps all effects.
struct Checkout {
  var flow: CheckoutFlow
  var timeline: [TimelineEntry] = []
  private(set) var effects: [CheckoutEffect] = []

  init(table: EventTable = .checkout, clock: VectorClock = VectorClock([orchestrator: 2])) {
    flow = CheckoutFlow(table: table, process: orchestrator, clock: clock, deadlines: deadlines)
  }

  @discardableResult
  mutating func feed(_ input: CheckoutInput, at time: Int64 = 0) -> [CheckoutEffect] {
    let new = flow.step(input, now: milliseconds(time), wall: Timestamp(milliseconds: time))
    timeline += flow.takeTimeline()
    effects += new
    return new
  }

  /// Feeds the answer of `service` to its latest call.
  @discardableResult
  mutating func answer(
    by service: inout SimulatedService, failing: [String: Finding] = [:], at time: Int64 = 0
  ) -> [CheckoutEffect] {
    guard let call = effects.calls.last(where: { $0.service == service.name }) else { return [] }
    return feed(service.carryOut(call, table: flow.table, failing: failing), at: time)
  }

  var decision: CheckoutDecision? { effects.decisions.first }
}

struct Call: Equatable {
  let service: String
  let events: [String]
  let clock: VectorClock
  let budget: Duration
}

extension [CheckoutEffect] {
  var calls: [Call] {
    compactMap { effect in
      guard case .call(let service, let events, let clock, let budget) = effect else { return nil }
      return Call(service: service, events: events, clock: clock, budget: budget)
    }
  }

  /// `service:abc`
  var asked: [String] { calls.map { "\($0.service):\($0.events.joined())" } }

  var timers: [Instant] { compactMap { if case .setTimer(let time) = $0 { time } else { nil } } }

  var decisions: [CheckoutDecision] {
    compactMap { if case .decided(let decision) = $0 { decision } else { nil } }
  }

  var settled: [String] { compactMap { if case .settle(let service, _) = $0 { service } else { nil } } }
}

extension CheckoutDecision {
  var rejection: Rejection? {
    switch verdict {
    case .approved: nil
    case .rejected(let rejection): rejection
    }
  }
}

/// A service that keeps its own clock, as the real ones do.
struct SimulatedService {
  let name: String
  private(set) var clock = VectorClock()

  init(_ name: String) { self.name = name }

  mutating func carryOut(_ call: Call, table: EventTable, failing: [String: Finding] = [:]) -> CheckoutInput {
    clock.receive(call.clock, at: name)
    var unsuccessful: Set<String> = []
    let results = call.events.map { id in
      clock.tick(name)
      let isSkipped = table[id]?.after.contains(where: unsuccessful.contains) == true
      let finding = isSkipped ? nil : failing[id]
      if isSkipped || finding != nil { unsuccessful.insert(id) }
      return EventResult(
        event: id, outcome: isSkipped ? .skipped : finding == nil ? .passed : .failed, clock: clock,
        findings: finding.map { [$0] } ?? [],
        suggestions: table[id]?.kind == .advisory ? [SuggestedItem(sku: "book-emma", title: "Emma")] : [])
    }
    clock.tick(name)
    return .replied(service: name, results: results, clock: clock)
  }
}

struct StandardServices {
  var verification = SimulatedService("transaction-verification")
  var fraud = SimulatedService("fraud-detection")
  var suggestions = SimulatedService("suggestions")
}

extension SplitMix64 {
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
