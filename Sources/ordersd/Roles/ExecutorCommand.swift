import ArgumentParser
import Executor

struct ExecutorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "executor", abstract: "Stands for election and, as the leader, carries orders out.")

  @Option(help: "Its id in elections, 1 to 65535; the highest live id leads (setting 'executor.id').")
  var id: Int
  @OptionGroup var options: RoleOptions

  func validate() throws {
    guard (1...65_535).contains(id) else {
      throw ValidationError("--id must be a whole number from 1 to 65535")
    }
  }

  func run() async throws {
    try await options.run(
      role: "executor", process: "executor-\(id)", flags: ["executor.id": String(id)], \.executor,
      admin: \.admin,
      build: buildExecutor)
  }
}
