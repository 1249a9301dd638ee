import CoreMetrics
import OrderProtos

/// What a check service counts, made once so that nothing is looked up on the hot path.
struct CheckTally: Sendable {
  typealias Outcome = Ordersd_V1_EventResult.Outcome

  private let checks: [String: [Outcome: Counter]]
  private let violations = Counter(label: "ordersd_causality_violations_total")
  private let refusals = Counter(label: "ordersd_check_calls_refused_total")

  init(events: CheckEvents) {
    let outcomes: [(Outcome, String)] = [(.passed, "passed"), (.failed, "failed"), (.skipped, "skipped")]
    checks = Dictionary(
      uniqueKeysWithValues: events.ids.map { event in
        let counters = outcomes.map { outcome, name in
          (
            outcome,
            Counter(label: "ordersd_checks_total", dimensions: [("event", event), ("outcome", name)])
          )
        }
        return (event, Dictionary(uniqueKeysWithValues: counters))
      })
  }

  func count(_ event: String, _ outcome: Outcome) { checks[event]?[outcome]?.increment() }
  func countViolation() { violations.increment() }
  func countRefusal() { refusals.increment() }
}
