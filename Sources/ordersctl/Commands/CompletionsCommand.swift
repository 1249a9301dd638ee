import ArgumentParser

struct CompletionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Print what makes a shell complete the words of ordersctl.",
    discussion: """
      The Debian package installs it for all three shells. By hand, for one user:
      bash: ordersctl completions bash > ~/.local/share/bash-completion/completions/ordersctl
      fish: ordersctl completions fish > ~/.config/fish/completions/ordersctl.fish
      """)

  @Argument(help: "bash, zsh or fish.")
  var shell: Shell

  func run() async throws {
    try await reportingFailures { try output(Ordersctl.completionScript(for: shell.completionShell)) }
  }

  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var completionShell: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }
}
