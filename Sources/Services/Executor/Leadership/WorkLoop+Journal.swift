import JournalLog
import LeaderWork
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import VectorClock

/// What the machine notes, as lines of the log and figures of the ledger.
extension WorkLoop {
  func journal(_ note: Work.Note, _ cause: Cause, term: UInt64) {
    let logger = tools.logger
    switch note {
    // The election says so, the stream's own end does, and an execution's line has its clock.
    case .granted, .streamBroke, .began: break
    case .confirmed(let epoch):
      logger.tell(
        ElectionEvent.confirmed, metadata: ["epoch": "\(epoch)", "term": "\(term)"])
    case .settled(let order, let epoch, let attempt, let outcome):
      settled(order, epoch, attempt, Outcome(outcome), cause)
    case .refused(let order, let epoch, let attempt, let outcome, let code):
      refused(order, epoch, attempt, Outcome(outcome), code, cause)
      if code == ErrorCode.fenced.rawValue { tellRefused() }
    case .leftToNext(let order, let epoch):
      var fields: Logger.Metadata = ["order_id": "\(order)", "epoch": "\(epoch)"]
      if case .execution(let attempt) = cause { fields["attempt"] = "\(attempt)" }
      logger.tell(OrderEvent.leftToNext, metadata: fields)
      tellRefused()
    case .fenced(let epoch, let current, let holder):
      lastFence = (current, holder.map { "executor-\($0)" } ?? "")
      logger.tell(
        ElectionEvent.epochLost,
        metadata: [
          "epoch": "\(epoch)", "current_epoch": "\(current)", "holder": "\(lastFence.holder)",
        ])
    case .lapsed(let epoch):
      logger.tell(ElectionEvent.lapsed, metadata: ["epoch": "\(epoch)"])
    case .handingOver(let epoch):
      // An operator's request and the end of the process have lines of their own.
      guard case .handover = cause else { break }
      logger.info("Handing the leadership over.", metadata: ["epoch": "\(epoch)"])
    }
  }

  private func settled(
    _ order: OrderID, _ epoch: UInt64, _ attempt: Int, _ outcome: Outcome, _ cause: Cause
  ) {
    let told = sent.removeValue(forKey: order)
    let reason = told?.reason ?? ""
    var known = told?.clock
    tools.ledger.count(outcome)
    if case .settled(let message) = cause, outcome == .executed || outcome == .failed {
      let clock = (try? VectorClock(message.clock)) ?? VectorClock()
      known = clock
      if !tools.ledger.settle(order, finalClock: clock) {
        tools.logger.warning(
          "The queue's clock does not cover this executor's.", metadata: ["order_id": "\(order)"])
      }
    }
    var fields: Logger.Metadata = ["order_id": "\(order)", "epoch": "\(epoch)", "attempt": "\(attempt)"]
    if !reason.isEmpty { fields["reason"] = "\(reason)" }
    if let known { fields["vector_clock"] = "\(known)" }
    switch outcome {
    case .executed: tools.logger.tell(OrderEvent.executed, metadata: fields)
    case .failed: tools.logger.tell(OrderEvent.failed, metadata: fields)
    case .retried: tools.logger.tell(OrderEvent.retried, metadata: fields)
    case .returned: tools.logger.tell(OrderEvent.handedBack, metadata: fields)
    case .refused: break
    }
  }

  private func refused(
    _ order: OrderID, _ epoch: UInt64, _ attempt: Int, _ outcome: Outcome, _ code: String, _ cause: Cause
  ) {
    sent[order] = nil
    var fields: Logger.Metadata = [
      "order_id": "\(order)", "epoch": "\(epoch)", "attempt": "\(attempt)", "outcome": "\(outcome.rawValue)",
    ]
    switch code {
    case "fenced":
      fields["current_epoch"] = "\(lastFence.current)"
      fields["holder"] = "\(lastFence.holder)"
      tools.ledger.count(.refused)
      tools.logger.tell(OrderEvent.fenced, metadata: fields)
    // Given up with the epoch; whether the queue took it is not known here.
    case "resigned", "lapsed", "unconfirmed": break
    default:
      var error = code
      if case .settled(let message) = cause { error = "\(code): \(message.error.message)" }
      fields["error"] = "\(error)"
      tools.ledger.count(.refused)
      tools.logger.tell(OrderEvent.outcomeRefused, metadata: fields)
    }
  }
}

extension Outcome {
  init(_ outcome: LeaderWork<OrderID>.Outcome) {
    switch outcome {
    case .executed: self = .executed
    case .failed: self = .failed
    case .retried: self = .retried
    case .returned: self = .returned
    }
  }
}
