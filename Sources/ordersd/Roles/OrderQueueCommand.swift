import ArgumentParser
import OrderQueue

struct OrderQueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "order-queue", abstract: "Keeps approved orders, and judges who may carry them out.")

  @OptionGroup var options: RoleOptions

  func run() async throws {
    try await options.run(
      role: "order-queue", process: "order-queue", \.orderQueue, admin: \.admin, build: buildOrderQueue)
  }
}
