import ArgumentParser
import CoreTime
import OrderDomain
import OrderWire
import SystemdSupport
import VectorClock

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Print what happened to an order, in order, with its vector clocks.",
    discussion: """
      With --journal it needs no role that runs: the entries of this machine's journal about the order are put in order
      by their vector clocks, so also where machines' clocks are wrong, together with what systemd says of the units
      meanwhile. When something may be missing (dropped, rotated away, of another machine) it says so. To read it, be
      root or in the group systemd-journal.
      """)

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Flag(help: "Print what happened before what as a graph, for Graphviz: … | dot -Tsvg > order.svg")
  var dot = false
  @Flag(help: "From the journal alone.")
  var journal = false
  @Option(
    help: "With --journal: a folder of journal files, of several machines perhaps, in place of this one's.")
  var directory: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard journal || directory == nil else { throw ValidationError("--directory goes with --journal") }
    guard !journal || !dot else { throw ValidationError("--dot and --journal exclude each other") }
  }

  func run() async throws {
    try await reportingFailures {
      if journal { return try printJournal() }
      try await OrdersClient.with(server) { client in
        if dot {
          let answer = try await client.get("/v1/orders/\(id.text)/causality?format=dot")
          return try ordersctl.output(String(decoding: answer.body, as: UTF8.self))
        }
        let answer = try await client.get("/v1/orders/\(id.text)/events")
        let timeline = try answer.decode(TimelineModel.self)
        try Printer(format: output.format).list(timeline.entries, json: try answer.decode(JSONValue.self))
      }
    }
  }
}

extension TraceCommand {
  private func printJournal() throws {
    guard let order = OrderID(id.text) else { throw Failure(Exit.usage, "\(id.text) is not an order's id") }
    let history: JournalHistory
    do {
      history = try JournalHistory(of: order, folder: directory)
    } catch let error as JournalReadError {
      throw Failure(Exit.failed, "\(error)")
    }
    guard !history.entries.isEmpty else {
      throw Failure(
        ErrorCode.notFound.disposition.exit,
        "the journal has nothing about order \(order) that you may read (root or the group systemd-journal may)"
      )
    }
    let rows = history.entries.enumerated().map { JournalRow(number: $0 + 1, entry: $1) }
    let json: JSONValue = .object([
      "orderId": .text("\(order)"), "complete": .boolean(history.gaps.isEmpty),
      "gaps": .list(history.gaps.map(JSONValue.text)), "entries": .list(rows.map(\.json)),
    ])
    let verdict = history.gaps.isEmpty ? ["complete"] : history.gaps.map { "incomplete: \($0)" }
    try Printer(format: output.format).list(rows, json: json, before: verdict + [""])
  }
}

private struct JournalRow: ListRow {
  static let header = [
    Column("#", right: true), Column("TIME"), Column("UNIT"), Column("EVENT"), Column("CLOCK"),
    Column("MESSAGE"),
  ]

  let number: Int
  let entry: JournalHistory.Entry

  var row: [String] {
    let clock = entry.clock.map { String("\($0)".dropFirst().dropLast()) } ?? ""
    return [
      "\(number)", entry.at.rfc3339, entry.unit, entry.isOfManager ? "(systemd)" : entry.event, clock,
      entry.message,
    ]
  }
  var name: String { "entry/\(number)" }
  var json: JSONValue {
    .object([
      "at": .text(entry.at.rfc3339), "unit": .text(entry.unit), "bySystemd": .boolean(entry.isOfManager),
      "event": .text(entry.event),
      "message": .text(entry.message),
      "clock": entry.clock.map { .object($0.components.mapValues { .init($0) }) } ?? .null,
    ])
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
