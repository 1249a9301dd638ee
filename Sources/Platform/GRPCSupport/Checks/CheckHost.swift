package import CoreTime
package import DaemonKit
import JournalLog
import Logging
import OrderDomain
package import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import VectorClock

/// What the three check services have in common: the calls of `checks.proto` around the rules of a
/// `CheckProvider`.
///
/// The clock of an order changes in one step for each answered request (receipt, one tick for each event that
/// was run, the send of the reply) and not at all for a refused one, so that the caller never has to account
/// for events that it was not told of.
package final class CheckHost: Sendable {
  /// Orders whose clocks are kept until they are settled.
  package static let maximumUnsettledOrders = 50_000

  private struct State {
    var clocks: OrderClocks<OrderID>
    var checked: UInt64 = 0
    var rejected: UInt64 = 0
    var violations: UInt64 = 0
    var endpoint: NetworkEndpoint?
  }

  let context: DaemonContext
  /// A fault hook: how long each answer to a check is held back. Zero but in tests and drills.
  let faultDelay: Duration
  let tally: CheckTally
  private let events: CheckEvents
  private let provider: any CheckProvider
  private let state: Mutex<State>

  package init(events: CheckEvents, provider: any CheckProvider, faultDelay: Duration, context: DaemonContext)
  {
    self.events = events
    self.provider = provider
    self.faultDelay = faultDelay
    self.context = context
    tally = CheckTally(events: events)
    state = Mutex(
      State(clocks: OrderClocks(process: context.process, capacity: Self.maximumUnsettledOrders)))
  }

  /// Carries out the events of one request. Throws `ServiceError` for a request that is refused:
  /// `invalid_argument`, or `deadline_exceeded` when the order's time ran out since `received`.
  package func check(
    _ message: Ordersd_V1_CheckRequest, received: Instant
  ) throws -> Ordersd_V1_CheckReply {
    let command = try CheckCommand(message, of: events)
    let now = context.clocks.now()
    if let budget = command.budget, now - received > budget {
      throw ServiceError(.deadlineExceeded, "the order's time ran out before it was checked")
    }
    let verdicts = verdicts(on: command, now: now)
    let reply = reply(to: command, verdicts)
    report(reply)
    return reply
  }

  /// Forgets an order's clock and compares it with the final one. Throws `invalid_argument`.
  package func settle(_ message: Ordersd_V1_SettleRequest) throws -> Ordersd_V1_SettleReply {
    let order = try OrderID(wire: message.orderID)
    let finalClock = try VectorClock(message.finalClock)
    let settlement = state.withLock { state in
      let settlement = state.clocks.settle(order, finalClock: finalClock)
      if case .violation = settlement { state.violations += 1 }
      return settlement
    }
    provider.settled(order, approved: message.approved)
    switch settlement {
    case .consistent(let clock):
      return .with {
        $0.verdict = .consistent
        $0.clock = clock.message
      }
    case .violation(let clock):
      tally.countViolation()
      context.logger.tell(
        OrderEvent.clockViolation,
        metadata: [
          "order_id": "\(order)", "clock": "\(clock)", "final_clock": "\(finalClock)",
        ])
      return .with {
        $0.verdict = .violation
        $0.clock = clock.message
      }
    case .unknown:
      return .with { $0.verdict = .unknown }
    }
  }

  func listens(at endpoint: NetworkEndpoint) { state.withLock { $0.endpoint = endpoint } }

  func roleReport() -> RoleReport {
    state.withLock { state in
      var details: [String: StatusValue] = [
        "ordersChecked": StatusValue(state.checked), "ordersRejected": StatusValue(state.rejected),
        "unsettledOrders": StatusValue(state.clocks.count),
        "clocksEvicted": StatusValue(state.clocks.evicted),
        "causalityViolations": StatusValue(state.violations),
      ]
      if let endpoint = state.endpoint { details["listening"] = .text("\(endpoint)") }
      return RoleReport(
        summary: "\(grouped(state.checked)) orders checked, \(grouped(state.rejected)) rejected",
        details: details)
    }
  }

  /// Nil for an event that is skipped, because one before it in the same message did not pass.
  private func verdicts(on command: CheckCommand, now: Instant) -> [EventVerdict?] {
    var input = CheckInput(
      orderID: command.orderID, order: command.order, amount: command.amount,
      clientAddress: command.clientAddress, wall: context.clocks.wall(), now: now)
    return command.events.map { event in
      let blocking = events.predecessors[event, default: []].first { before in
        command.events.contains(before) && input.earlier[before]?.passed != true
      }
      guard blocking == nil else { return nil }
      let verdict = provider.verdict(on: event, of: input)
      input.earlier[event] = verdict
      return verdict
    }
  }

  private func reply(to command: CheckCommand, _ verdicts: [EventVerdict?]) -> Ordersd_V1_CheckReply {
    state.withLock { state in
      let order = command.orderID
      if state.clocks[order] == nil { state.checked += 1 }
      if verdicts.contains(where: { $0?.passed == false }) { state.rejected += 1 }
      var clock = state.clocks.receive(command.clock, for: order)
      var reply = Ordersd_V1_CheckReply()
      reply.orderID = order.description
      for (event, verdict) in zip(command.events, verdicts) {
        // What is skipped does not happen, so it takes no tick.
        if verdict != nil { clock = state.clocks.tick(order) }
        reply.results.append(result(event, verdict, at: clock))
      }
      reply.clock = state.clocks.tick(order).message
      return reply
    }
  }

  private func result(_ event: String, _ verdict: EventVerdict?, at clock: VectorClock)
    -> Ordersd_V1_EventResult
  {
    .with {
      $0.event = event
      $0.outcome = verdict.map { $0.passed ? .passed : .failed } ?? .skipped
      $0.clock = clock.message
      $0.findings = verdict?.findings.map(\.wireMessage) ?? []
      $0.suggestions = (verdict?.suggestions ?? []).map { item in
        .with {
          $0.sku = item.sku
          $0.title = item.title
          $0.score = item.score
        }
      }
    }
  }

  private func report(_ reply: Ordersd_V1_CheckReply) {
    for result in reply.results {
      tally.count(result.event, result.outcome)
      let (order, event) = (reply.orderID, result.event)
      switch result.outcome {
      case .failed:
        let code = result.findings.first?.code ?? "none"
        context.logger.tell(
          OrderEvent.checkFailed, metadata: ["order_id": "\(order)", "event": "\(event)", "code": "\(code)"])
      case .passed:
        context.logger.debug("Check passed.", metadata: ["order_id": "\(order)", "event": "\(event)"])
      case .skipped, .unspecified, .UNRECOGNIZED:
        context.logger.debug("Check skipped.", metadata: ["order_id": "\(order)", "event": "\(event)"])
      }
    }
  }
}

/// `1204` as `1,204`.
private func grouped(_ number: UInt64) -> String {
  var text = ""
  for (index, digit) in String(number).reversed().enumerated() {
    if index > 0, index % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
