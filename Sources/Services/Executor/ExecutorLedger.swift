import Metrics
import OrderDomain
import Synchronization
import VectorClock

/// What this executor knows of its own work: counters for people, and the clocks of the orders it has
/// touched.
final class ExecutorLedger: Sendable {
  struct Figures: Sendable {
    /// The epoch held, 0 for none.
    var epoch: UInt64 = 0
    var inFlight = 0
    var executed: UInt64 = 0
    var failed: UInt64 = 0
    var retried: UInt64 = 0
    var refused: UInt64 = 0
    var lastOrder: OrderID?
  }

  private struct State {
    var figures = Figures()
    var clocks: OrderClocks<OrderID>
  }

  private let state: Mutex<State>
  /// Made once: looking a metric up by its name costs more than counting.
  private let outcomes: [Outcome: Counter]

  /// `process`: the component in vector clocks, `executor-3`.
  init(process: String) {
    let counters = Outcome.allCases.map { outcome in
      (outcome, Counter(label: "ordersd_executor_orders_total", dimensions: [("outcome", outcome.rawValue)]))
    }
    outcomes = Dictionary(counters, uniquingKeysWith: { first, _ in first })
    state = Mutex(State(clocks: OrderClocks(process: process, capacity: 4_096)))
  }

  var figures: Figures { state.withLock { $0.figures } }

  func holds(epoch: UInt64) {
    state.withLock { $0.figures.epoch = epoch }
    Gauge(label: "ordersd_executor_epoch").record(Double(epoch))
  }

  func began(_ order: OrderID) {
    state.withLock { state in
      state.figures.inFlight += 1
      state.figures.lastOrder = order
    }
  }

  func ended(_ order: OrderID) { state.withLock { $0.figures.inFlight -= 1 } }

  func count(_ outcome: Outcome) {
    state.withLock { state in
      switch outcome {
      case .executed: state.figures.executed += 1
      case .failed: state.figures.failed += 1
      case .retried: state.figures.retried += 1
      case .refused: state.figures.refused += 1
      case .returned: break
      }
    }
    outcomes[outcome]?.increment()
  }

  // MARK: Clocks

  func receive(_ clock: VectorClock, for order: OrderID) -> VectorClock {
    state.withLock { $0.clocks.receive(clock, for: order) }
  }

  func tick(_ order: OrderID) -> VectorClock { state.withLock { $0.clocks.tick(order) } }

  /// The order is done here. False when the queue's clock does not cover what this executor knows.
  func settle(_ order: OrderID, finalClock: VectorClock) -> Bool {
    if case .violation = state.withLock({ $0.clocks.settle(order, finalClock: finalClock) }) { return false }
    return true
  }
}

/// What became of one execution.
enum Outcome: String, Sendable, CaseIterable {
  case executed, failed, retried, returned, refused
}
