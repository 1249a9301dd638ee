import Foundation
import Testing

/// What the README tells its reader to type does what it says.
@Suite("README", .serialized)
struct ReadmeTests {
  @Test("Every ordersctl command of the README ends as it says")
  func commands() async throws {
    let text = try String(contentsOf: Programs.root.appendingPathComponent("README.md"), encoding: .utf8)
    let commands = try ReadmeCommand.all(in: text)
    #expect(commands.count >= 5, "the README's commands were not found")
    try await Cluster.with { cluster in
      var variables: [String: String] = [:]
      for command in commands {
        let arguments = command.arguments(variables) + ["--port-offset", String(cluster.portOffset)]
        let result = try await Programs.run(Programs.ordersctl, arguments)
        #expect(result.status == command.exit, "\(command.line)\n\(result.output)\(result.errors)")
        if let name = command.variable {
          variables[name] = String(result.output.prefix { !$0.isNewline })
        }
      }
    }
  }

  @Test("Commands are found in console blocks only, with their exit status and variables")
  func extraction() throws {
    let text = """
      $ ordersctl outside
      ```console
      $ make run
      $ ordersctl submit a.json   # exits 3
      $ ORDER=$(ordersctl submit b.json -o name)
      order  $ ordersctl is not a command here
      $ ordersctl get $ORDER
      ```
      ```sh
      $ ordersctl elsewhere
      ```
      """
    let commands = try ReadmeCommand.all(in: text)
    #expect(commands.map(\.exit) == [3, 0, 0])
    #expect(commands.map(\.variable) == [nil, "ORDER", nil])
    #expect(commands[1].arguments([:]) == ["submit", "b.json", "-o", "name"])
    #expect(commands[2].arguments(["ORDER": "order/1"]) == ["get", "order/1"])
  }
}

/// A line of a ```console block: `$ ordersctl …`, or `$ NAME=$(ordersctl …)`, with `# exits N` where that isn't 0.
private struct ReadmeCommand {
  let line: String
  let exit: Int32
  /// Gets the first line of the output.
  let variable: String?
  private let words: [String]

  static func all(in text: String) throws -> [ReadmeCommand] {
    var commands: [ReadmeCommand] = []
    var isConsole = false
    for line in text.split(separator: "\n") {
      if line.hasPrefix("```") {
        isConsole = line == "```console"
      } else if isConsole, line.hasPrefix("$ "), let command = try ReadmeCommand(String(line.dropFirst(2))) {
        commands.append(command)
      }
    }
    return commands
  }

  /// Nil for another program. Throws for what this reader does not understand, so that nothing is left out unseen.
  private init?(_ line: String) throws {
    guard line.contains("ordersctl ") else { return nil }
    self.line = line
    var parts = line.split(separator: "#", maxSplits: 1).map(String.init)
    var exit: Int32 = 0
    if parts.count == 2 {
      let comment = parts[1].split(separator: " ")
      guard comment.count == 2, comment[0] == "exits", let number = Int32(comment[1]) else {
        throw IntegrationError("a comment must be '# exits N': \(line)")
      }
      exit = number
      parts.removeLast()
    }
    self.exit = exit
    var command = parts[0].split(separator: " ").joined(separator: " ")
    var variable: String?
    if let start = command.range(of: "=$("), command.hasSuffix(")") {
      variable = String(command[..<start.lowerBound])
      command = String(command[start.upperBound...].dropLast())
    }
    self.variable = variable
    let words = command.split(separator: " ").map(String.init)
    guard words.first == "ordersctl", !command.contains(where: { "\"'|;&<>()".contains($0) }) else {
      throw IntegrationError("too much shell for this test: \(line)")
    }
    self.words = Array(words.dropFirst())
  }

  func arguments(_ variables: [String: String]) -> [String] {
    words.map { word in word.hasPrefix("$") ? variables[String(word.dropFirst())] ?? word : word }
  }
}
