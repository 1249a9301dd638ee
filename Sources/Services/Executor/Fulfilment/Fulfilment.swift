package import OrderDomain

/// An order as whatever carries it out gets it.
package struct FulfilmentOrder: Sendable {
  /// Also the idempotency key: it stays the same from attempt to attempt.
  package var id: OrderID
  /// JSON, without a card number; at most 64 KiB.
  package var body: [UInt8]
  /// The fencing token: a target that remembers the highest one it saw can refuse an older leader.
  package var epoch: UInt64
  /// 1 for the first delivery.
  package var attempt: UInt32
  /// `executor-3`
  package var executor: String

  package init(id: OrderID, body: [UInt8], epoch: UInt64, attempt: UInt32, executor: String) {
    self.id = id
    self.body = body
    self.epoch = epoch
    self.attempt = attempt
    self.executor = executor
  }
}

package enum FulfilmentResult: Sendable, Hashable {
  /// Carried out; `note` is what the target said, at most 1 KiB.
  case done(note: String)
  /// Not carried out, may work later: the queue tries again until its delivery limit.
  case tryAgain(reason: String)
  /// Cannot be carried out: to the dead letters.
  case failed(reason: String)
}

/// Carries out orders. Called for several orders at a time; stops what it does when the task is cancelled.
package protocol Fulfilment: Sendable {
  func fulfil(_ order: FulfilmentOrder) async -> FulfilmentResult
  /// What keeps the target from working, `nil` when nothing is known to. Cheap; asked every second.
  func problem() -> String?
}
