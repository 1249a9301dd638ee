import CheckoutFlow
import CoreTime
import OrderDomain
import Randomness
import Testing
import VectorClock

/// Random tables, services, delays, losses, duplicates and orders of arrival. A failure names the seed, which replays.
struct RandomCheckoutTests {
  @Test(arguments: 0..<16) func theRulesHoldOnEveryRun(_ batch: UInt64) {
    var approved = 0
    var rejected = 0
    var degraded = 0
    for seed in batch * 50..<(batch + 1) * 50 {
      var simulation = Simulation(seed: seed)
      simulation.run()
      #expect(simulation.violations.isEmpty, "seed \(seed): \(simulation.violations.joined(separator: "; "))")
      switch simulation.decision?.verdict {
      case .approved?: approved += 1
      case .rejected?: rejected += 1
      case nil: break
      }
      if simulation.decision?.suggestionsDegraded == true { degraded += 1 }
    }
    #expect(approved > 2 && rejected > 2 && degraded > 2, "the runs are too much alike to show anything")
  }
}

private struct Simulation {
  private enum Delivery {
    case request(Call)
    case input(CheckoutInput)
  }

  private(set) var violations: [String] = []
  private(set) var decision: CheckoutDecision?
  private let table: EventTable
  private var random: SplitMix64
  private var flow: CheckoutFlow
  private var services: [String: SimulatedService]
  private var pending: [(time: Int64, delivery: Delivery)] = [(0, .input(.started))]
  private var fired: Set<String> = []
  /// Clocks of the events whose passing the checkout was told in time.
  private var passed: [String: VectorClock] = [:]
  private let trouble: (failure: Int, loss: Int, silence: Int, double: Int)

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    table = Self.table(&random)
    flow = CheckoutFlow(table: table, process: orchestrator, clock: VectorClock(), deadlines: deadlines)
    services = Dictionary(
      table.events.map { ($0.service, SimulatedService($0.service)) }, uniquingKeysWith: { first, _ in first }
    )
    let isCalm = random.chance(50)
    trouble = (isCalm ? 0 : 10, isCalm ? 0 : 8, isCalm ? 0 : 8, 30)
  }

  private static func table(_ random: inout SplitMix64) -> EventTable {
    var events: [CheckoutEvent] = []
    for number in 0..<Int.random(in: 1...9, using: &random) {
      let kind: CheckoutEvent.Kind = random.chance(25) ? .advisory : .required
      let candidates = events.filter { kind == .advisory || $0.kind == .required }
      let after = candidates.filter { _ in random.chance(35) }.map(\.id)
      events.append(
        CheckoutEvent(
          "\(number)", "event \(number)", at: "service-\(Int.random(in: 1...4, using: &random))",
          after: after,
          kind: kind))
    }
    events.append(
      CheckoutEvent(
        "g", "hand over", at: "queue", after: events.filter { $0.kind == .required }.map(\.id), kind: .handoff
      ))
    guard let table = EventTable(events) else { preconditionFailure("a random table is not valid") }
    return table
  }

  mutating func run() {
    var steps = 0
    while let index = pending.indices.min(by: { pending[$0].time < pending[$1].time }) {
      steps += 1
      guard steps < 2_000 else { return violations.append("it goes round in circles") }
      let (time, delivery) = pending.remove(at: index)
      switch delivery {
      case .request(let call): serve(call, at: time)
      case .input(let input): feed(input, at: time)
      }
    }
    if decision == nil { violations.append("no decision") }
  }

  private mutating func serve(_ call: Call, at time: Int64) {
    var failing: [String: Finding] = [:]
    for event in call.events where random.chance(trouble.failure) {
      failing[event] = Finding(code: "odd", field: "", message: "odd")
    }
    guard let reply = services[call.service]?.carryOut(call, table: table, failing: failing) else { return }
    if random.chance(trouble.silence) { return }
    if random.chance(trouble.loss) {
      let failure = CheckoutInput.callFailed(
        service: call.service, events: call.events, code: "service_unavailable", message: "lost")
      pending.append((time + delay(), .input(failure)))
      // An answer that was believed lost comes after all.
      if random.chance(50) { return }
    }
    pending.append((time + delay(), .input(reply)))
    if random.chance(trouble.double) { pending.append((time + delay(), .input(reply))) }
  }

  private mutating func delay() -> Int64 {
    Int64.random(in: 0...(random.chance(10) ? 800 : 120), using: &random)
  }

  private mutating func feed(_ input: CheckoutInput, at time: Int64) {
    if decision == nil, case .replied(_, let results, _) = input {
      for result in results where result.outcome == .passed && passed[result.event] == nil {
        passed[result.event] = result.clock
      }
    }
    let hadDecision = decision != nil
    let effects = flow.step(input, now: milliseconds(time), wall: Timestamp(milliseconds: time))
    if hadDecision, !effects.isEmpty { violations.append("effects after the decision") }
    for effect in effects {
      switch effect {
      case .call(let service, let events, let clock, let budget):
        check(service, events, clock, budget)
        let call = Call(service: service, events: events, clock: clock, budget: budget)
        pending.append((time + delay(), .request(call)))
      case .setTimer(let timer):
        // Earlier timers still fire: the machine does not rely on their being withdrawn.
        if timer <= milliseconds(time) { violations.append("a timer in the past") }
        pending.append(((timer - .zero).millisecondsClamped, .input(.timerFired)))
      case .decided(let decision):
        if self.decision != nil { violations.append("two decisions") }
        self.decision = decision
        check(decision, at: time)
      case .settle(let service, let finalClock):
        if services[service]?.clock.isCovered(by: finalClock) != true {
          violations.append("\(service) not covered")
        }
      }
    }
  }

  private mutating func check(_ service: String, _ events: [String], _ clock: VectorClock, _ budget: Duration)
  {
    if budget <= .zero { violations.append("no time to answer in") }
    for (position, id) in events.enumerated() {
      if !fired.insert(id).inserted { violations.append("\(id) fired twice") }
      if table[id]?.service != service { violations.append("\(id) asked of \(service)") }
      for predecessor in table[id]?.after ?? [] where !events[..<position].contains(predecessor) {
        if passed[predecessor]?.happenedBefore(clock) != true {
          violations.append("\(id) before \(predecessor)")
        }
      }
    }
  }

  private mutating func check(_ decision: CheckoutDecision, at time: Int64) {
    if milliseconds(time) > .zero + deadlines.order { violations.append("late") }
    let missing = table.events.filter { $0.kind == .required && passed[$0.id] == nil }
    if (decision.verdict == .approved) != missing.isEmpty {
      violations.append("\(decision.verdict), \(missing)")
    }
    if let rejection = decision.rejection, !missing.contains(where: { $0.id == rejection.event.id }) {
      violations.append("rejected for \(rejection.event.id), which passed")
    }
    for entry in flow.takeTimeline() {
      if !entry.clock.happenedBefore(decision.clock) { violations.append("an entry is not covered") }
      guard let id = entry.event, entry.state == "passed" else { continue }
      for predecessor in table[id]?.after ?? [] where passed[predecessor]?.happenedBefore(entry.clock) != true
      {
        violations.append("\(predecessor) not before \(id)")
      }
    }
  }
}
