import ArgumentParser
import OrderDomain

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Print orders, newest first; all filters that are given must apply.")

  @Option(help: "Only orders in this state.")
  var state: OrderState?
  @Option(help: "Only orders made at or after this time: 2026-11-22, 2026-11-22T14:00:00Z.")
  var from: String?
  @Option(help: "Only orders made before this time.")
  var to: String?
  @Option(help: "Only orders of this customer, by mail address.")
  var email: String?
  @Option(help: "Only orders of this priority, 0 (most urgent) to 9.")
  var priority: Int?
  @Option(help: "Only orders that were rejected with this code, such as card_expired.")
  var reason: String?
  @Flag(help: "Only orders that passed and that a person should look at.")
  var flagged = false
  @Option(help: "At most this many, 1 to 200.")
  var limit = 50
  @Option(help: "Go on from where a list with the same filters ended (its 'next').")
  var cursor: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...200).contains(limit) else {
      throw ValidationError("--limit must be a whole number from 1 to 200")
    }
    if let priority, Priority(priority) == nil {
      throw ValidationError("--priority must be a whole number from 0 (most urgent) to 9")
    }
  }

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        let filters = [
          ("state", state?.rawValue), ("from", from), ("to", to), ("email", email),
          ("priority", priority.map(String.init)), ("reason", reason),
          ("flagged", flagged ? "true" : nil), ("cursor", cursor),
        ]
        var path = "/v1/orders?limit=\(limit)"
        for (name, value) in filters {
          if let value { path += "&\(name)=\(percentEncoded(value))" }
        }
        let answer = try await client.get(path)
        let page = try answer.decode(OrderListModel.self)
        let counts = (page.counts ?? [:]).sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        try Printer(format: output.format).list(
          page.orders, json: try answer.decode(JSONValue.self),
          notes: output.format == .wide && !counts.isEmpty
            ? ["", "all orders: " + counts.joined(separator: ", ")] : [])
        if let next = page.next { tell("there are more: --cursor \(next)") }
      }
    }
  }
}

/// RFC 3986: everything but unreserved characters.
private func percentEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF")
  return text.utf8.map { byte in
    let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
    if isLetter || (byte >= 0x30 && byte <= 0x39) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) {
      return String(UnicodeScalar(byte))
    }
    return "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
  }.joined()
}
