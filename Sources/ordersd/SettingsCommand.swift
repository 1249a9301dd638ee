import ArgumentParser
import DaemonKit

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct SettingsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settings",
    abstract: "Lists every setting: key, type, default, purpose and environment variable.")

  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json }

  @Option(name: [.customShort("o"), .customLong("output")], help: "table or json.")
  var format: Format = .table

  func run() async throws {
    try await reportingFailures(of: "settings") {
      // No sources: the list is the same whatever is set here.
      let reader = SettingsReader(layers: [])
      _ = AllConfigurations(reader: reader)
      let settings = reader.declarations.map(Setting.init).sorted { $0.key < $1.key }
      switch format {
      case .table: standardOutput(table(settings))
      case .json:
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        standardOutput(String(decoding: try encoder.encode(settings), as: UTF8.self) + "\n")
      }
    }
  }

  private func table(_ settings: [Setting]) -> String {
    let rows =
      [["KEY", "TYPE", "DEFAULT", "ENVIRONMENT", "PURPOSE"]]
      + settings.map { [$0.key, $0.type, $0.default, $0.environment, $0.purpose] }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { cells in
      cells.indices.map { index in
        let isLast = index == cells.count - 1
        return isLast
          ? cells[index] : cells[index] + String(repeating: " ", count: widths[index] - cells[index].count)
      }.joined(separator: "  ") + "\n"
    }.joined()
  }
}

private struct Setting: Encodable {
  let key: String
  let type: String
  let `default`: String
  let purpose: String
  let environment: String

  init(_ declaration: SettingDeclaration) {
    key = declaration.key
    type = declaration.type
    `default` = declaration.defaultText
    purpose = declaration.purpose
    environment = "ORDERSD_" + String(key.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }
}
