import ArgumentParser
import TransactionVerification

struct TransactionVerificationCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "transaction-verification", abstract: "Checks items, buyer and payment card.")

  @OptionGroup var options: RoleOptions

  func run() async throws {
    try await options.run(
      role: "transaction-verification", process: "transaction-verification", \.transactionVerification,
      admin: \.admin, build: buildTransactionVerification)
  }
}
