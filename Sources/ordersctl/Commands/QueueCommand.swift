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

private struct PriorityRow: ListRow {
  static let header = [
    Column("PRIORITY", right: true), Column("READY", right: true), Column("OLDEST (MS)", right: true),
  ]

  let stats: Ordersd_V1_PriorityStats

  init(_ stats: Ordersd_V1_PriorityStats) { self.stats = stats }

  var row: [String] { ["\(stats.priority)", "\(stats.ready)", "\(stats.oldestReadyMs)"] }
  var name: String { "priority/\(stats.priority)" }
}
