import CoreTime
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// One order: from its delivery to the outcome on its way to the queue.
extension Office {
  func execute(_ delivery: Ordersd_V1_Delivery) async {
    guard let order = OrderID(delivery.orderID) else { return }
    let ledger = tools.ledger
    ledger.began(order)
    defer {
      running.remove(order)
      ledger.ended(order)
      grantCredits()
      endIfDrained()
    }
    // A clock beyond the limits is the queue's fault; the order is carried out all the same.
    var clock = ledger.receive((try? VectorClock(delivery.clock)) ?? VectorClock(), for: order)
    guard drainUntil == nil, mayAct else { return handBack(order, delivery, clock: ledger.tick(order)) }
    clock = ledger.tick(order)
    tools.logger.debug("Order execution begins.", metadata: ["order_id": "\(order)", "clock": "\(clock)"])
    let result = await fulfil(
      FulfilmentOrder(
        id: order, body: Array(delivery.body), epoch: epoch, attempt: delivery.attempt,
        executor: tools.process),
      lease: .milliseconds(Int64(delivery.leaseMs)))
    // Looked at again after the wait: the leadership may be over, and then this has no say any more.
    guard mayAct else {
      tools.logger.notice(
        "Order left to the next leader.",
        metadata: ["order_id": "\(order)", "epoch": "\(epoch)", "attempt": "\(delivery.attempt)"])
      return
    }
    settle(order, delivery, result, clock: ledger.tick(order))
  }

  /// Fulfils, and keeps the lease alive meanwhile.
  private func fulfil(_ order: FulfilmentOrder, lease: Duration) async -> FulfilmentResult {
    let fulfilment = tools.fulfilment
    return await withTaskGroup(of: FulfilmentResult?.self) { group in
      group.addTask { await fulfilment.fulfil(order) }
      group.addTask {
        await self.keepLease(of: order.id, lease: lease)
        return nil
      }
      var result: FulfilmentResult?
      while result == nil, let next = await group.next() { result = next }
      group.cancelAll()
      return result ?? .tryAgain(reason: "stopped")
    }
  }

  private func keepLease(of order: OrderID, lease: Duration) async {
    let period = max(lease / 2, .milliseconds(50))
    while !Task.isCancelled {
      do { try await Task.sleep(for: period) } catch { return }
      guard mayAct else { return }
      outbox?.append(
        .touch(
          .with {
            $0.fence = tools.queue.fence(epoch)
            $0.orderID = "\(order)"
            $0.leaseMs = UInt32(clamping: lease.millisecondsClamped)
          }))
    }
  }

  private func settle(
    _ order: OrderID, _ delivery: Ordersd_V1_Delivery, _ result: FulfilmentResult, clock: VectorClock
  ) {
    let fence = tools.queue.fence(epoch)
    switch result {
    case .done(let note):
      let ack = Ordersd_V1_AckRequest.with {
        $0.fence = fence
        $0.orderID = "\(order)"
        $0.clock = clock.message
        $0.note = note
      }
      conclude(order, .ack(ack), .executed, delivery.attempt, reason: "")
    case .tryAgain(let reason):
      conclude(order, .nack(nack(order, clock, reason)), .retried, delivery.attempt, reason: reason)
    case .failed(let reason):
      var nack = nack(order, clock, reason)
      nack.permanent = true
      conclude(order, .nack(nack), .failed, delivery.attempt, reason: reason)
    }
  }

  /// Untouched: does not count as an attempt.
  func handBack(_ order: OrderID, _ delivery: Ordersd_V1_Delivery, clock: VectorClock) {
    guard ending == nil else { return }
    var nack = nack(order, clock, "handed back")
    nack.returned = true
    conclude(order, .nack(nack), .returned, delivery.attempt, reason: "")
  }

  private func nack(_ order: OrderID, _ clock: VectorClock, _ reason: String) -> Ordersd_V1_NackRequest {
    .with {
      $0.fence = tools.queue.fence(epoch)
      $0.orderID = "\(order)"
      $0.clock = clock.message
      $0.reason = reason
    }
  }

  /// Kept until the queue confirms it; sent with the next stream when there is none now.
  private func conclude(
    _ order: OrderID, _ command: Ordersd_V1_WorkCommand.OneOf_Command, _ outcome: Outcome, _ attempt: UInt32,
    reason: String
  ) {
    pending[order] = Pending(command: command, outcome: outcome, attempt: attempt, reason: reason)
    outbox?.append(command)
  }
}
