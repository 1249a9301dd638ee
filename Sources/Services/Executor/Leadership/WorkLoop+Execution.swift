import LeaderWork
import Logging
import OrderDomain
import OrderProtos

/// Carrying orders out.
extension WorkLoop {
  func execute(
    _ work: WorkDelivery<OrderID>, _ epoch: UInt64, _ cause: Cause, _ group: inout DiscardingTaskGroup
  ) {
    let order = work.order
    tools.ledger.began(order)
    guard case .delivery(let delivery) = cause else {
      assertionFailure("the machine executes what was just delivered")
      return desk.put(.executed(order, epoch: epoch, .tryAgain(reason: "the order's body is missing")))
    }
    receive(delivery, order)
    let clock = tools.ledger.tick(order)
    tools.logger.debug("Order execution begins.", metadata: ["order_id": "\(order)", "clock": "\(clock)"])
    let job = FulfilmentOrder(
      id: order, body: Array(delivery.body), epoch: epoch, attempt: delivery.attempt, executor: tools.process)
    let leash = Leash()
    runs[RunKey(order: order, epoch: epoch)] = (leash, delivery.attempt)
    group.addTask { [desk, fulfilment = tools.fulfilment] in
      await leash.run {
        // Looked at once more: the process may have been paused between the step and this task.
        guard await self.mayAct(under: epoch) else {
          return desk.put(.executed(order, epoch: epoch, .tryAgain(reason: "stopped")))
        }
        desk.put(.executed(order, epoch: epoch, WorkResult(await fulfilment.fulfil(job))))
      }
    }
  }
}

extension WorkResult {
  init(_ result: FulfilmentResult) {
    switch result {
    case .done(let note): self = .done(note: note)
    case .tryAgain(let reason): self = .tryAgain(reason: reason)
    case .failed(let reason): self = .failed(reason: reason)
    }
  }
}
