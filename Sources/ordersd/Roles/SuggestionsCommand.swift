import ArgumentParser
import Suggestions

struct SuggestionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "suggestions", abstract: "Suggests what else the buyer may like.")

  @OptionGroup var options: RoleOptions

  func run() async throws {
    try await options.run(
      role: "suggestions", process: "suggestions", \.suggestions, admin: \.admin, build: buildSuggestions)
  }
}
