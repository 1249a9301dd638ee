import BullyElection
import CoreTime
import LeaderWork
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// The work stream: what comes in on it, and what goes out.
extension WorkLoop {
  func open(_ stream: UInt64, _ epoch: UInt64, _ group: inout DiscardingTaskGroup) {
    let (takings, taken) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let link = Link(epoch: epoch, outbox: CommandOutbox(), leash: Leash(), taken: taken)
    links[stream] = link
    link.outbox.append(tools.queue.opening(epoch, held: held(under: epoch)))
    group.addTask { [desk, tools, outbox = link.outbox, leash = link.leash] in
      await leash.run {
        do {
          try await tools.queue.work(outbox) { reply in
            desk.put(.reply(stream: stream, reply))
            _ = await takings.first { true }
          }
        } catch let error as ServiceError where error.code == .fenced {
          desk.put(.fenced(stream: stream, current: 0, holder: nil))
        } catch {
          tools.logger.debug(
            "The work stream broke.", metadata: ["error": "\(error)", "epoch": "\(epoch)"])
        }
      }
      outbox.finish()
      desk.put(.streamClosed(stream))
    }
  }

  /// Nil for what does not concern the machine.
  func read(_ event: Ordersd_V1_WorkEvent, from stream: UInt64) -> (Work.Input, Cause)? {
    switch event.event {
    case .opened, nil: nil
    case .delivery(let delivery): read(delivery, from: stream)
    case .settled(let settled): read(settled, from: stream)
    case .renewed(let renewed):
      (.renewed(stream: stream, lease: .milliseconds(Int64(renewed.leaseMs))), .other)
    case .fenced(let fenced):
      (
        .fenced(
          stream: stream, current: fenced.currentEpoch,
          holder: NodeID(process: fenced.holder).map { Int($0.rawValue) }), .other
      )
    }
  }

  private func read(_ delivery: Ordersd_V1_Delivery, from stream: UInt64) -> (Work.Input, Cause)? {
    guard let order = OrderID(delivery.orderID) else {
      tools.logger.error(
        "The queue delivered something that is not an order.",
        metadata: ["order_id": "\(delivery.orderID.prefix(64))"])
      // The machine can't know of it; the queue gets its credit back, so that the stream does not starve.
      if !isDraining { links[stream]?.outbox.append(.credits(.with { $0.credits = 1 })) }
      return nil
    }
    let work = WorkDelivery(
      order: order, attempt: Int(delivery.attempt), lease: .milliseconds(Int64(delivery.leaseMs)))
    return (.delivered(stream: stream, work), .delivery(delivery))
  }

  private func read(_ settled: Ordersd_V1_WorkSettled, from stream: UInt64) -> (Work.Input, Cause)? {
    // A touch may be answered when the outcome has been sent already.
    guard !settled.touch, let order = OrderID(settled.orderID), sent[order] != nil else {
      if settled.hasError {
        tools.logger.debug(
          "The queue refused to extend a lease.",
          metadata: ["order_id": "\(settled.orderID.prefix(64))", "error": "\(settled.error.code)"])
      }
      return nil
    }
    guard settled.hasError else {
      return (.settled(stream: stream, order, .accepted), .settled(settled))
    }
    if !settled.error.retryable, settled.error.code == ErrorCode.fenced.rawValue {
      return (.fenced(stream: stream, current: 0, holder: nil), .other)
    }
    let answer: Work.SettleAnswer =
      settled.error.retryable ? .retry : .refused(code: settled.error.code)
    return (.settled(stream: stream, order, answer), .settled(settled))
  }

  // MARK: Commands

  func encoded(
    _ command: Work.Command, under epoch: UInt64, _ cause: Cause
  ) -> Ordersd_V1_WorkCommand.OneOf_Command {
    let fence = tools.queue.fence(epoch)
    switch command {
    case .credits(let count): return .credits(.with { $0.credits = UInt32(clamping: count) })
    case .renew: return .renew(.with { $0.fence = fence })
    case .touch(let order, let lease):
      return .touch(
        .with {
          $0.fence = fence
          $0.orderID = "\(order)"
          $0.leaseMs = UInt32(clamping: lease.millisecondsClamped)
        })
    case .ack(let order, let note):
      let clock = clock(of: order, reason: "")
      return .ack(
        .with {
          $0.fence = fence
          $0.orderID = "\(order)"
          $0.clock = clock.message
          $0.note = note
        })
    case .nack(let order, let reason): return .nack(nack(order, fence, reason, as: reason))
    case .bury(let order, let reason):
      var nack = nack(order, fence, reason, as: reason)
      nack.permanent = true
      return .nack(nack)
    case .handBack(let order):
      if case .delivery(let delivery) = cause, sent[order] == nil { receive(delivery, order) }
      var nack = nack(order, fence, "handed back", as: "")
      nack.returned = true
      return .nack(nack)
    }
  }

  private func nack(
    _ order: OrderID, _ fence: Ordersd_V1_Fence, _ reason: String, as shown: String
  ) -> Ordersd_V1_NackRequest {
    let clock = clock(of: order, reason: shown)
    return .with {
      $0.fence = fence
      $0.orderID = "\(order)"
      $0.clock = clock.message
      $0.reason = reason
    }
  }

  /// Of an outcome: from when it was first sent.
  private func clock(of order: OrderID, reason: String) -> VectorClock {
    if let before = sent[order] { return before.clock }
    let clock = tools.ledger.tick(order)
    sent[order] = Sent(clock: clock, reason: reason)
    return clock
  }

  /// A clock beyond the limits is the queue's fault; the order is carried out all the same.
  func receive(_ delivery: Ordersd_V1_Delivery, _ order: OrderID) {
    _ = tools.ledger.receive((try? VectorClock(delivery.clock)) ?? VectorClock(), for: order)
  }
}
