import CheckoutFlow
import CoreTime
import DaemonKit
import GRPCSupport
import JournalLog
import Logging
import Metrics
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// Runs checkouts, and tells the services when they are over.
struct CheckoutRunner: Sendable {
  let sessions: CheckSessions
  let deadlines: CheckoutDeadlines
  let retries: Int
  let alarms: Alarms
  let violations: ViolationRecorder
  let context: DaemonContext

  /// What a checkout came to.
  struct Result: Sendable {
    let decision: CheckoutDecision
    let timeline: [TimelineEntry]
    /// Services to be told once the decision is durable.
    let settles: [String]
  }

  /// Runs the checkout of `order`, whose history so far is `clock`, to its decision. Takes no longer than the order's
  /// deadline.
  func run(
    _ order: OrderID, _ request: Intake.Submission, amount: Money?, clock: VectorClock
  ) async -> Result {
    await CheckoutRun(self, order, request, amount: amount, clock: clock).result()
  }

  /// A call came to nothing, all its tries included.
  func tell(_ order: OrderID, _ service: String, _ events: [String], _ failure: ServiceError, tries: Int) {
    Counter(label: "ordersd_check_failures_total", dimensions: [("service", service)]).increment()
    context.logger.tell(
      OrderEvent.checkUnavailable,
      metadata: [
        "order_id": "\(order)", "service": "\(service)", "events": "\(events.joined(separator: ","))",
        "tries": "\(tries)", "reason": "\(failure.code.rawValue): \(failure.message)",
      ])
  }

  /// Tells the services that the order is over, and reports what violates causality. Waits for nothing.
  func settle(_ order: OrderID, _ services: [String], approved: Bool, finalClock: VectorClock) {
    let now = context.clocks.now()
    for service in services {
      sessions.settle(service, order: order, approved: approved, finalClock: finalClock, now: now) {
        [context, violations] result in
        switch result {
        case .success(let reply) where reply.verdict == .violation:
          // A clock beyond the limits is not kept; that there was a violation is.
          let clock = (try? VectorClock(reply.clock)) ?? VectorClock()
          Counter(label: "ordersd_causality_violations_total", dimensions: [("service", service)]).increment()
          context.logger.tell(
            OrderEvent.clockUncovered,
            metadata: [
              "order_id": "\(order)", "service": "\(service)", "final_clock": "\(finalClock)",
              "service_clock": "\(clock)",
            ])
          violations.report(order, by: service, clock: clock)
        case .success:
          break
        case .failure(let error):
          // Its clocks are bounded: an order that is never settled is given up there.
          context.logger.debug(
            "A service could not be told that an order is over.",
            metadata: ["order_id": "\(order)", "service": "\(service)", "reason": "\(error)"])
        }
      }
    }
  }
}
