import ArgumentParser

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Print what happened to an order, in order, with its vector clocks.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Flag(help: "Print what happened before what as a graph, for Graphviz: … | dot -Tsvg > order.svg")
  var dot = false
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        if dot {
          let answer = try await client.get("/v1/orders/\(id.text)/causality?format=dot")
          return ordersctl.output(String(decoding: answer.body, as: UTF8.self))
        }
        let answer = try await client.get("/v1/orders/\(id.text)/events")
        let timeline = try answer.decode(TimelineModel.self)
        try Printer(format: output.format).list(timeline.entries, json: try answer.decode(JSONValue.self))
      }
    }
  }
}

struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check an order's history for what its vector clocks rule out.",
    discussion: "Exit status: 0 the history is consistent, 1 it is not; each violation is printed.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        let answer = try await client.get("/v1/orders/\(id.text)/causality")
        let model = try answer.decode(CausalityModel.self)
        try Printer(format: output.format).list(
          model.violations, json: try answer.decode(JSONValue.self), before: [model.summary])
        guard model.verdict == "consistent" else {
          throw Failure(Exit.failed, "the history of order \(model.orderId) contradicts itself")
        }
      }
    }
  }
}

extension TimelineModel.Entry: ListRow {
  static let header = [
    Column("#", right: true), Column("TIME"), Column("ACTOR"), Column("EVENT"), Column("STATE"),
    Column("REASON"), Column("CLOCK"),
  ]

  var row: [String] {
    let clock = (clock ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(
      separator: " ")
    return [String(sequence), at, actor, event ?? "", state ?? "", reason ?? "", clock]
  }

  var name: String { "entry/\(sequence)" }
}

/// `GET /v1/orders/{id}/causality`, as far as it is printed.
struct CausalityModel: Decodable {
  struct Violation: Decodable {
    var rule: String
    var events: [Int]
    var message: String
  }
  struct Event: Decodable { var sequence: Int }
  struct Edge: Decodable {
    var from: Int
    var to: Int
  }

  var orderId: String
  var verdict: String
  var events: [Event]
  var edges: [Edge]
  var concurrentPairs: Int?
  var violations: [Violation]

  var summary: String {
    let concurrent = concurrentPairs.map { ", \($0) concurrent pairs" } ?? ""
    return "\(verdict): \(events.count) events, \(edges.count) edges\(concurrent)"
  }
}

extension CausalityModel.Violation: ListRow {
  static let header = [Column("RULE"), Column("EVENTS"), Column("VIOLATION")]

  var row: [String] { [rule, events.map(String.init).joined(separator: " "), message] }

  var name: String { "violation/\(rule)" }
}
