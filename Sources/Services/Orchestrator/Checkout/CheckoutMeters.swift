import CoreTime
import Metrics
import OrderDomain

/// What is counted of checkouts. Made once: looking a metric up by its name costs more than counting.
struct CheckoutMeters: Sendable {
  private let decisions: [OrderState: Counter]
  private let duration = Metrics.Timer(label: "ordersd_checkout_seconds")

  init() {
    let states = OrderState.allCases.map { state in
      (state, Counter(label: "ordersd_orders_total", dimensions: [("decision", state.rawValue)]))
    }
    decisions = Dictionary(states, uniquingKeysWith: { first, _ in first })
  }

  func decided(_ state: OrderState, took: Duration) {
    decisions[state]?.increment()
    duration.recordNanoseconds(took.nanosecondsClamped)
  }
}
