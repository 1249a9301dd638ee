import ArgumentParser
import DaemonKit

/// The operators' and users' command line (docs/ARCHITECTURE.md, "Interfaces").
@main
struct Ordersctl: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ordersctl",
    abstract: "Submit orders and look after the services that carry them out.",
    discussion: """
      Data goes to standard output, messages to standard error.
      Exit status: 0 ok, 1 failed, 3 rejected, 4 not found, 5 unavailable, 6 timed out, 7 conflict, 64 usage.
      """,
    version: Release.version,
    subcommands: [
      SubmitCommand.self, GetCommand.self, ListCommand.self, WaitCommand.self, CancelCommand.self,
      TraceCommand.self, VerifyCommand.self, HealthCommand.self, ElectionCommand.self, QueueCommand.self,
      BenchCommand.self, CompletionsCommand.self,
    ])
}
