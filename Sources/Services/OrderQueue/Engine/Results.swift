package import OrderDomain
package import OrderWire
package import PriorityQueue
package import VectorClock

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// An order, leased; durable when it is handed out.
package struct Delivery: Sendable {
  package var id: OrderID
  package var clock: VectorClock
  package var priority: Int
  package var body: Data
  package var attempt: Int
  package var epoch: Epoch
  package var lease: Duration

  init?(_ job: JobQueue.Job, _ receipt: StepReceipt) {
    guard let stored = receipt.jobs[job.id], let lease = job.lease else { return nil }
    id = job.id
    clock = stored.clock
    priority = job.priority
    body = stored.body ?? Data()
    attempt = job.attempts
    epoch = lease.leader.epoch
    self.lease = lease.duration
  }
}

package struct EnqueueResult: Sendable {
  package var clock: VectorClock
  package var isDuplicate: Bool
  package var state: JobState
}

package struct SettleResult: Sendable {
  package var clock: VectorClock
  package var state: JobState
  package var isDuplicate = false
}

package struct CancelResult: Sendable {
  package var clock: VectorClock
  package var isCancelled: Bool
  package var state: JobState
  package var holder: String
}

package struct ClaimResult: Sendable {
  package var isGranted: Bool
  package var epoch: Epoch
  package var holder: String
  package var lease: Duration
}

/// The answer to one command of a work stream.
package enum WorkAnswer: Sendable {
  case touched(OrderID, Result<Void, ServiceError>)
  /// To an ack or a nack.
  case settled(OrderID, Result<SettleResult, ServiceError>)
  case renewed(Duration)
  case fenced(Fence)
}

/// A call under an epoch that is over. Carries both epochs, for the stream's event and for the error.
struct FencedError: Error {
  let fence: Fence
}

extension LeadershipRecord {
  /// `executor-3`; the name of the process.
  package var holder: String { "executor-\(executor)" }
}

extension LeaderToken {
  var holder: String { "executor-\(executor)" }
}

extension Fence {
  /// Empty when nobody leads.
  package var holderName: String { holder?.holder ?? "" }

  package var error: ServiceError {
    let message =
      if yours != current {
        "epoch \(yours) is not the current one: the lane is at epoch \(current), "
          + (holder.map { "led by \($0.holder)" } ?? "led by nobody")
      } else {
        "epoch \(yours) has lapsed without a renewal (the lane is still at epoch \(current)); claim again"
      }
    return ServiceError(
      .fenced, message,
      details: ["your_epoch": String(yours), "current_epoch": String(current), "holder": holderName])
  }
}
