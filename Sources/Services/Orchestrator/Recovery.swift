import CheckoutFlow
import CoreTime
import DaemonKit
import Logging
import OrderDomain
import OrderStore
import VectorClock

/// What a start does with the orders that the last stop cut off.
enum Recovery {
  /// Idempotency keys are kept this long.
  static let keyLifetime = Duration.seconds(24 * 3_600)
  private static let page = 256

  /// Orders that were being checked become `interrupted`: their card is gone with the process, so that only the client
  /// can go on, with the same idempotency key. Old keys are forgotten.
  static func run(_ repository: OrderRepository, _ context: DaemonContext) async throws {
    let now = context.clocks.wall()
    var interrupted = 0
    for state in [OrderState.received, .verifying] {
      while true {
        let orders = try await repository.store.read { db in
          try OrderTable.oldest(in: state, after: nil, limit: page, db)
        }
        if orders.isEmpty { break }
        try await repository.store.commit { db in
          for var order in orders {
            order.clock.tick(context.process)
            let entry = try order.become(
              .interrupted, actor: context.process, reason: "the orchestrator stopped while it was checked",
              clock: order.clock, at: now)
            try OrderTable.update(order, entries: [entry], db)
          }
        }
        interrupted += orders.count
      }
    }
    try await repository.store.commit { db in
      try IdempotencyTable.purge(before: now + (.zero - keyLifetime), db)
    }
    if interrupted > 0 {
      context.logger.notice("Orders were cut off by the last stop; a repeat of their key resumes them.", metadata: [
        "orders": "\(interrupted)"
      ])
    }
  }
}
