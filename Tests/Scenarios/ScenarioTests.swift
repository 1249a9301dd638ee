import FoundationEssentials
import SimulationKit
import Testing

/// Texts/*.txt: a script, a line `---`, and what happens. `UPDATE_GOLDEN=1` writes the latter anew.
@Suite struct ScenarioTests {
  static let folder = String(#filePath.dropLast("ScenarioTests.swift".count)) + "Texts"

  static var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return files.filter { $0.hasSuffix(".txt") }.sorted()
  }

  @Test func theTextbookCasesAreThere() { #expect(Self.names.count >= 8) }

  @Test(arguments: ScenarioTests.names) func happensAsWritten(_ name: String) throws {
    let path = "\(Self.folder)/\(name)"
    let bytes = try #require(FileManager.default.contents(atPath: path))
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let end = try #require(lines.firstIndex(of: "---"), "\(name) has no line ---")
    let script = lines[..<end].joined(separator: "\n")
    let golden = lines[(end + 1)...].joined(separator: "\n")
    let found = try Scenario.run(script).joined(separator: "\n") + "\n"
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
      try "\(script)\n---\n\(found)".write(toFile: path, atomically: true, encoding: .utf8)
      return
    }
    #expect(found == golden, "\(name): run with UPDATE_GOLDEN=1 and look at the difference")
  }
}
