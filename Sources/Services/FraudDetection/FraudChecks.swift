import CoreTime
import FraudRules
import GRPCSupport
import OrderDomain
import Synchronization
import VectorClock

/// The rules of `FraudRules` by event, and what they remember (`FraudMemory`). Both can be replaced while orders
/// come.
final class FraudChecks: CheckProvider {
  /// Orders between event d and event e.
  static let maximumScreenedBuyers = 20_000

  private struct State {
    var rules: FraudRules
    var memory: FraudMemory
    var buyers = RecentMap<OrderID, Assessment>(capacity: maximumScreenedBuyers)
    var flagged: UInt64 = 0
    /// Goes up with every change of the memory.
    var changes: UInt64 = 0
  }

  private let key: TraceKey
  private let wall: @Sendable () -> Timestamp
  private let state: Mutex<State>

  init(policy: FraudPolicy, memory: FraudMemory, key: TraceKey, wall: @escaping @Sendable () -> Timestamp) {
    self.key = key
    self.wall = wall
    state = Mutex(State(rules: FraudRules(policy: policy), memory: memory))
  }

  func verdict(on event: String, of check: CheckInput) -> EventVerdict {
    switch event {
    case "d":
      let assessment = state.withLock { $0.rules }.screenBuyer(check.order)
      state.withLock { $0.buyers.set(assessment, for: check.orderID) }
      return verdict(assessment)
    case "e": return screenPayment(check)
    default: preconditionFailure("the host lets no other event through than those of CheckEvents")
    }
  }

  func settled(_ order: OrderID, approved: Bool) {
    let now = wall()
    state.withLock { state in
      state.buyers.remove(order)
      state.memory.settle(order, approved: approved, now: now)
      state.changes += 1
    }
  }

  /// Judges orders by `policy` from now on.
  func adopt(_ policy: FraudPolicy) {
    let rules = FraudRules(policy: policy)
    state.withLock { state in
      state.rules = rules
      state.memory.adopt(policy)
    }
  }

  /// What is remembered now, with a number that tells whether it has changed since.
  var remembered: (memory: FraudMemory, changes: UInt64) { state.withLock { ($0.memory, $0.changes) } }

  /// Orders that passed with the mark for a person.
  var flagged: UInt64 { state.withLock { $0.flagged } }

  private func screenPayment(_ check: CheckInput) -> EventVerdict {
    guard let amount = check.amount else {
      preconditionFailure("the host lets event e through only with an amount")
    }
    // The hashes are the costly part, so they are made outside the lock; so is the judgement.
    let traces = key.traces(of: TraceTexts(check.order, client: check.clientAddress))
    let (rules, evidence, buyer) = state.withLock { state in
      state.changes += 1
      let evidence = state.memory.observe(check.orderID, traces, amount: amount, now: check.wall)
      return (state.rules, evidence, state.buyers[check.orderID])
    }
    let assessment = rules.screenPayment(check.order, amount: amount, buyer: buyer, evidence: evidence)
    guard let flag = assessment.reviewFlag(buyer: buyer) else { return verdict(assessment) }
    state.withLock { $0.flagged += 1 }
    // It stands first, so that the timeline shows it.
    return EventVerdict(passed: true, findings: [flag] + assessment.ranked)
  }

  private func verdict(_ assessment: Assessment) -> EventVerdict {
    EventVerdict(passed: assessment.verdict != .reject, findings: assessment.ranked)
  }
}
