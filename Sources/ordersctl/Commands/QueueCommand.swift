import ArgumentParser
import DaemonKit
import OrderProtos

struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "The order queue.",
    subcommands: [
      QueueStatsCommand.self, QueueListCommand.self, QueuePeekCommand.self, QueuePauseCommand.self,
      QueueResumeCommand.self, QueueDrainCommand.self, QueueKickCommand.self, QueueBuryCommand.self,
      QueueCancelCommand.self,
    ])
}

/// Where the queue is.
struct QueueOptions: ParsableArguments {
  @Option(help: "The queue's endpoint, host:port.")
  var queue: EndpointArgument?
  @OptionGroup var server: ServerOptions

  func endpoint() throws -> NetworkEndpoint { try queue?.endpoint ?? server.endpoint(port: 50_055) }
}

struct QueueStatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "How many orders are where, by priority, and who holds which lane.")

  @OptionGroup var queue: QueueOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let stats = try await RoleClient.stats(try queue.endpoint())
      let rows = stats.priorities.filter { $0.ready > 0 || output.format != .table }.map(PriorityRow.init)
      try Printer(format: output.format).list(
        rows, json: stats.json, before: stats.lines + (rows.isEmpty ? [] : [""]))
    }
  }
}

extension Ordersd_V1_StatsReply {
  fileprivate var counts: [(label: String, value: UInt64)] {
    [
      ("enqueued", enqueued), ("ready", ready), ("leased", leased), ("delayed", delayed), ("buried", buried),
      ("done", done), ("cancelled", cancelled), ("expired", expired), ("redelivered", redelivered),
      ("fenced", fenced),
      ("capacity", capacity),
    ]
  }

  fileprivate var lines: [String] {
    let width = 12
    func line(_ label: String, _ value: String) -> String {
      label + String(repeating: " ", count: max(1, width - label.count)) + value
    }
    var lines = counts.map { line($0.label, "\($0.value)") }
    lines.append(line("intake", draining ? "draining" : "open"))
    lines.append(line("deliveries", paused ? "paused" : "running"))
    for lane in lanes {
      let holder = lane.holder.isEmpty ? "held by nobody" : "held by \(lane.holder)"
      lines.append(line("lane", "\(lane.lane): \(holder), epoch \(lane.epoch), \(lane.claims) claims"))
    }
    return lines
  }

  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = ["paused": .boolean(paused), "draining": .boolean(draining)]
    for (label, value) in counts { members[label] = .init(value) }
    members["priorities"] = .list(
      priorities.map { entry in
        .object([
          "priority": .init(entry.priority), "ready": .init(entry.ready),
          "oldestReadyMs": .init(entry.oldestReadyMs),
        ])
      })
    members["lanes"] = .list(
      lanes.map { lane in
        .object([
          "lane": .text(lane.lane), "epoch": .init(lane.epoch), "term": .init(lane.term),
          "claims": .init(lane.claims),
          "holder": lane.holder.isEmpty ? .null : .text(lane.holder),
        ])
      })
    return .object(members)
  }
}

private struct PriorityRow: ListRow {
  static let header = [
    Column("PRIORITY", right: true), Column("READY", right: true), Column("OLDEST (MS)", right: true),
  ]

  let stats: Ordersd_V1_PriorityStats

  init(_ stats: Ordersd_V1_PriorityStats) { self.stats = stats }

  var row: [String] { ["\(stats.priority)", "\(stats.ready)", "\(stats.oldestReadyMs)"] }
  var name: String { "priority/\(stats.priority)" }
}
