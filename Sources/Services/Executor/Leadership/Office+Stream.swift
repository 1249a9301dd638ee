import CoreTime
import DaemonKit
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// The work stream: opened, opened again when it breaks, and what comes in on it.
extension Office {
  func keepStream() async {
    while ending == nil, !Task.isCancelled {
      do {
        try await openStream()
      } catch let error as ServiceError where error.code == .fenced {
        return end(.fenced(current: 0, holder: ""))
      } catch {
        tools.logger.debug("The work stream broke.", metadata: ["error": "\(error)", "epoch": "\(epoch)"])
      }
      while ending == nil, !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(Int64.random(in: 30...120)))
        if ending != nil || Task.isCancelled { return }
        if await confirm() { break }
      }
    }
  }

  private func openStream() async throws {
    let box = CommandOutbox()
    let queue = tools.queue
    box.append(
      .open(
        .with {
          $0.fence = queue.fence(epoch)
          $0.executorID = queue.executorID
          $0.incarnation = queue.incarnation
        }))
    // The queue may have taken these before the old stream broke; it knows them again.
    for (order, waiting) in pending {
      pending[order]?.sendAgainAt = nil
      box.append(waiting.command)
    }
    outbox = box
    granted = 0
    grantCredits()
    defer {
      outbox = nil
      trust.renewalLost()
      box.finish()
    }
    try await queue.work(box) { reply in await self.take(reply) }
  }

  /// Asks the queue, after a break, whether this is still the leader. False while it can't be reached.
  private func confirm() async -> Bool {
    let started = tools.clocks.now()
    let reply: Ordersd_V1_ClaimReply
    do {
      reply = try await tools.queue.claim(term: term)
    } catch {
      // The trust window bounds how long this goes on.
      return false
    }
    guard reply.granted, reply.epoch == epoch else {
      end(.fenced(current: reply.epoch, holder: reply.holder))
      return false
    }
    trust = TrustWindow(start: started, lease: .milliseconds(Int64(reply.leaseMs)))
    tools.logger.info(
      "Leadership confirmed after a break.", metadata: ["epoch": "\(epoch)", "term": "\(term)"])
    return true
  }

  /// As many orders may come as can be executed at a time, less those whose outcomes the queue has yet to
  /// confirm when they pile up.
  func grantCredits() {
    guard let outbox, drainUntil == nil, ending == nil, pending.count <= 4 * tools.credits else { return }
    let free = tools.credits - running.count - granted
    guard free > 0 else { return }
    granted += free
    outbox.append(.credits(.with { $0.credits = UInt32(free) }))
  }

  private func take(_ reply: Ordersd_V1_WorkReply) {
    for event in reply.events {
      switch event.event {
      case .opened, nil: break
      case .delivery(let delivery): take(delivery)
      case .settled(let settled): take(settled)
      case .renewed(let renewed): trust.renewed(lease: .milliseconds(Int64(renewed.leaseMs)))
      case .fenced(let fenced): end(.fenced(current: fenced.currentEpoch, holder: fenced.holder))
      }
    }
  }

  private func take(_ delivery: Ordersd_V1_Delivery) {
    granted = max(0, granted - 1)
    guard let order = OrderID(delivery.orderID) else {
      tools.logger.error(
        "The queue delivered something that is not an order.",
        metadata: ["order_id": "\(delivery.orderID.prefix(64))"])
      return grantCredits()
    }
    // After a break the queue may deliver anew what still runs here, or whose outcome is on its way.
    guard !running.contains(order), pending[order] == nil else { return }
    running.insert(order)
    if case .dropped = delivered.yield(delivery) {
      // More than was granted: back with it.
      running.remove(order)
      handBack(order, delivery, clock: tools.ledger.tick(order))
    }
  }

  private func take(_ settled: Ordersd_V1_WorkSettled) {
    guard let order = OrderID(settled.orderID), let done = pending[order] else {
      if settled.hasError {
        tools.logger.debug(
          "The queue refused to extend a lease.",
          metadata: ["order_id": "\(settled.orderID.prefix(64))", "error": "\(settled.error.code)"])
      }
      return
    }
    if settled.hasError { return refused(order, done, settled.error) }
    // The answer to a touch that was sent before the outcome.
    guard settled.state != .leased else { return }
    pending[order] = nil
    tools.ledger.count(done.outcome)
    let clock = (try? VectorClock(settled.clock)) ?? VectorClock()
    let isLast = done.outcome == .executed || done.outcome == .failed
    if isLast, !tools.ledger.settle(order, finalClock: clock) {
      tools.logger.warning(
        "The queue's clock does not cover this executor's.", metadata: ["order_id": "\(order)"])
    }
    journal(order, done)
    grantCredits()
    endIfDrained()
  }

  private func refused(_ order: OrderID, _ done: Pending, _ error: Ordersd_V1_CallError) {
    if error.retryable {
      pending[order]?.sendAgainAt = tools.clocks.now() + .milliseconds(300)
      return
    }
    if error.code == ErrorCode.fenced.rawValue { return end(.fenced(current: 0, holder: "")) }
    pending[order] = nil
    tools.ledger.count(.refused)
    tools.logger.warning(
      "The queue refused the outcome of an order.",
      metadata: [
        "order_id": "\(order)", "epoch": "\(epoch)", "attempt": "\(done.attempt)",
        "outcome": "\(done.outcome.rawValue)", "error": "\(error.code): \(error.message)",
      ])
    grantCredits()
    endIfDrained()
  }

  private func journal(_ order: OrderID, _ done: Pending) {
    var fields: Logger.Metadata = [
      "order_id": "\(order)", "epoch": "\(epoch)", "attempt": "\(done.attempt)",
    ]
    if !done.reason.isEmpty { fields["reason"] = "\(done.reason)" }
    switch done.outcome {
    case .executed: tools.logger.info("Order executed.", metadata: fields)
    case .failed: tools.logger.warning("Order failed.", metadata: fields)
    case .retried: tools.logger.info("Order to be tried again.", metadata: fields)
    case .returned: tools.logger.info("Order handed back.", metadata: fields)
    case .refused: break
    }
  }
}
