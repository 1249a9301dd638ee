import ArgumentParser
import DaemonKit

/// The one daemon binary: every role is a subcommand of it (docs/ARCHITECTURE.md, "Roles").
@main
struct Ordersd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ordersd",
    abstract: "Takes orders, vets them, and carries each one out exactly once.",
    discussion: """
      Settings come from flags, then ORDERSD_… in the environment, then the file; 'ordersd settings' lists them all.
      Exit status: 0 stopped as asked, 1 failed, 64 usage, 78 configuration error.
      """,
    version: Release.version,
    subcommands: [
      OrchestratorCommand.self, TransactionVerificationCommand.self, FraudDetectionCommand.self,
      SuggestionsCommand.self, OrderQueueCommand.self, ExecutorCommand.self, UpCommand.self,
      SettingsCommand.self, ReloadCommand.self,
    ])
}
