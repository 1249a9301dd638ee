import Logging
import OrderDomain

/// Carries out an order by one line in the log.
struct LogFulfilment: Fulfilment {
  let logger: Logger

  func fulfil(_ order: FulfilmentOrder) async -> FulfilmentResult {
    logger.info(
      "Order carried out.",
      metadata: [
        "order_id": "\(order.id)", "epoch": "\(order.epoch)", "attempt": "\(order.attempt)",
        "bytes": "\(order.body.count)",
      ])
    return .done(note: "logged")
  }

  func problem() -> String? { nil }
}
