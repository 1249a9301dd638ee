import CheckoutFlow
import CoreTime
import DaemonKit
import Logging
import Metrics
import OrderDomain
import OrderProtos
import OrderWire
import VectorClock

/// Performs the effects of one `CheckoutFlow` after the other: the shell around the machine.
struct CheckoutRunner: Sendable {
  let clients: CheckClients
  let deadlines: CheckoutDeadlines
  let retries: Int
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
  func run(_ order: OrderID, _ request: OrderRequest, amount: Money?, clock: VectorClock) async -> Result {
    var flow = CheckoutFlow(table: .checkout, process: context.process, clock: clock, deadlines: deadlines)
    return await withTaskGroup(of: CheckoutInput?.self) { group in
      var effects = flow.step(.started, now: context.clocks.now(), wall: context.clocks.wall())
      while true {
        for effect in effects {
          switch effect {
          case .call(let service, let events, let clock, let budget):
            group.addTask {
              await call(service, events, of: order, request, amount: amount, clock: clock, budget: budget)
            }
          case .setTimer(let instant):
            let wait = instant - context.clocks.now()
            group.addTask {
              // Cancelled when the decision falls first.
              do { try await Task.sleep(for: max(wait, .zero)) } catch { return nil }
              return .timerFired
            }
          case .decided(let decision):
            group.cancelAll()
            let settles = effects.compactMap { if case .settle(let service, _) = $0 { service } else { nil } }
            return Result(decision: decision, timeline: flow.takeTimeline(), settles: settles)
          case .settle:
            preconditionFailure("a settle before the decision")
          }
        }
        // There is always a timer pending before the decision, so the group is not empty.
        guard let next = await group.next() else { preconditionFailure("a checkout without a pending timer") }
        effects = next.map { flow.step($0, now: context.clocks.now(), wall: context.clocks.wall()) } ?? []
      }
    }
  }

  private func call(
    _ service: String, _ events: [String], of order: OrderID, _ request: OrderRequest, amount: Money?,
    clock: VectorClock, budget: Duration
  ) async -> CheckoutInput? {
    let deadline = context.clocks.now() + budget
    var tries = 0
    while true {
      let left = deadline - context.clocks.now()
      do {
        let reply = try await clients.check(
          service, events: events, of: order, request, amount: amount, clock: clock, budget: left)
        return .replied(service: service, results: reply.results, clock: reply.clock)
      } catch {
        if Task.isCancelled { return nil }
        let failure = (error as? ServiceError) ?? ServiceError(.internal, "\(error)", service: service)
        let pause = Duration.milliseconds(Int64.random(in: 20...60) << min(tries, 4))
        tries += 1
        let mayRetry = failure.isRetryable && failure.code != .deadlineExceeded && tries <= retries
        guard mayRetry, context.clocks.now() + pause < deadline else {
          return failed(service, events, order, failure, tries)
        }
        do { try await Task.sleep(for: pause) } catch { return nil }
      }
    }
  }

  private func failed(
    _ service: String, _ events: [String], _ order: OrderID, _ failure: ServiceError, _ tries: Int
  ) -> CheckoutInput {
    Counter(label: "ordersd_check_failures_total", dimensions: [("service", service)]).increment()
    context.logger.warning(
      "A check could not be made.",
      metadata: [
        "order_id": "\(order)", "service": "\(service)", "events": "\(events.joined(separator: ","))",
        "tries": "\(tries)", "reason": "\(failure.code.rawValue): \(failure.message)",
      ])
    return .callFailed(
      service: service, events: events, code: ErrorCode.serviceUnavailable.rawValue,
      message: "\(service) could not be reached in time (\(failure.code.rawValue)); try again")
  }

  /// Tells the services that the order is over, and reports what violates causality.
  func settle(_ order: OrderID, _ services: [String], approved: Bool, finalClock: VectorClock) async {
    for service in services {
      do {
        let reply = try await clients.settle(
          service, order: order, approved: approved, finalClock: finalClock)
        guard reply.verdict == .violation else { continue }
        Counter(label: "ordersd_causality_violations_total", dimensions: [("service", service)]).increment()
        context.logger.error(
          "A service knows of events that the final clock does not cover.",
          metadata: [
            "order_id": "\(order)", "service": "\(service)", "final_clock": "\(finalClock)",
            "service_clock": "\(VectorClock(reply.clock.components))",
          ])
      } catch {
        // Its clocks are bounded: an order that is never settled is given up there.
        context.logger.debug(
          "A service could not be told that an order is over.",
          metadata: [
            "order_id": "\(order)", "service": "\(service)", "reason": "\(error)",
          ])
      }
    }
  }
}
