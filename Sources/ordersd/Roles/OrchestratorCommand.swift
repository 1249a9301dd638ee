import ArgumentParser
import Orchestrator

struct OrchestratorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "orchestrator",
    abstract: "Takes orders over REST, has them checked, and passes them on. Serves the page.")

  @OptionGroup var options: RoleOptions

  func run() async throws {
    try await options.run(
      role: "orchestrator", process: "orchestrator", \.orchestrator, admin: \.admin, build: buildOrchestrator)
  }
}
