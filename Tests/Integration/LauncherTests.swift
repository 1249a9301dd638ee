import Foundation
import Testing

extension Integration {
  /// The files of the other launchers are accepted by the tools that read them.
  @Suite("Launchers")
  struct LauncherTests {
    @Test("systemd-analyze verify has nothing to say about the units")
    func units() async throws {
      let result = try await tool("tools/verify-units")
      #expect(result.status == 0)
      #expect(result.output.isEmpty && result.errors.isEmpty, "\(result.output)\(result.errors)")
    }

    @Test("docker-compose accepts the Compose file")
    func compose() async throws {
      let result = try await tool("/usr/bin/env", "docker-compose", "config", "--quiet")
      #expect(result.status == 0, "\(result.errors)")
      let second = try await tool(
        "/usr/bin/env", "docker-compose", "-f", "docker-compose.yml", "-f", "docker-compose.peers.yml",
        "config",
        "--quiet")
      #expect(second.status == 0, "\(second.errors)")
    }

    @Test("The embedded page is the page")
    func page() async throws {
      let result = try await tool("tools/embed-page", "--check")
      #expect(result.status == 0, "\(result.errors)")
    }

    private func tool(_ words: String...) async throws -> ProgramResult {
      let program =
        words[0].hasPrefix("/")
        ? URL(fileURLWithPath: words[0]) : Programs.root.appendingPathComponent(words[0])
      return try await Programs.run(program, Array(words.dropFirst()))
    }
  }
}
