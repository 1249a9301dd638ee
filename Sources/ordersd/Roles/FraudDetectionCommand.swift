import ArgumentParser
import FraudDetection

struct FraudDetectionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fraud-detection", abstract: "Screens buyer and payment.")

  @OptionGroup var options: RoleOptions

  func run() async throws {
    try await options.run(
      role: "fraud-detection", process: "fraud-detection", \.fraudDetection, admin: \.admin,
      build: buildFraudDetection)
  }
}
