import ArgumentParser

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancel an order that is not executing yet, and print it.",
    discussion: """
      Exit status: 0 the order is cancelled; 7 it is too late, the message says in which state the order is and who
      holds it; 6 the cancel is durable, but the order-queue has not said yet whether it came in time.
      """)

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Option(help: "Why; it is kept with the order. At most 200 characters.")
  var reason: String?
  @Option(help: "How long to wait, e.g. 500ms, 30s, 2m.")
  var timeout = DurationArgument(.seconds(10))
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let body = try JSONEncoder().encode(["reason": reason].compactMapValues { $0 })
      try await OrdersClient.with(server) { client in
        let answer = try await client.post(
          "/v1/orders/\(id.text)/cancel", json: body, timeout: timeout.duration)
        let order = try answer.decode(OrderModel.self)
        try Printer(format: output.format).object(
          order.fields, name: order.name, json: try answer.decode(JSONValue.self))
        if answer.status == 202 {
          throw Failure(
            Exit.timedOut,
            "the cancel of order \(order.orderId) is durable, but the order-queue has not confirmed it yet; "
              + "'ordersctl wait \(order.orderId) --for cancelled' follows it")
        }
      }
    }
  }
}
