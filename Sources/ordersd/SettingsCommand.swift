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
    abstract:
      "Checks the settings as a role would, and lists every one with its value and where that comes from.",
    discussion: """
      Exit status: 0 a role would start with these settings, 78 it would not; the mistakes are named.
      -o yaml prints a settings file to start from, which shows every setting with its default.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, yaml }

  @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
  var format: Format = .table
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard format != .yaml || (common.config == nil && common.flags.isEmpty) else {
      throw ValidationError("-o yaml shows the defaults; it takes no --config and no settings")
    }
  }

  func run() async throws {
    try await reportingFailures(of: "settings") {
      switch format {
      case .table: standardOutput(table(try effective()))
      case .json:
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        standardOutput(String(decoding: try encoder.encode(effective()), as: UTF8.self) + "\n")
      case .yaml:
        let reader = SettingsReader(layers: [])
        _ = AllConfigurations(reader: reader)
        standardOutput(SettingsFile(reader.declarations).text)
      }
    }
  }

  /// Throws `ConfigurationError` with every mistake, as a role does.
  private func effective() throws -> [Setting] {
    let reader = try common.reader()
    _ = AllConfigurations(reader: reader)
    if reader.reading(of: "executor.id")?.place == nil {
      // No mistake here: each executor gets it by --id.
      let judge = try common.reader(flags: AllConfigurations.anyExecutor)
      _ = AllConfigurations(reader: judge)
      try judge.validate()
    } else {
      try reader.validate()
    }
    return reader.declarations.map { Setting($0, reader.reading(of: $0.key)) }.sorted { $0.key < $1.key }
  }

  private func table(_ settings: [Setting]) -> String {
    let rows =
      [["KEY", "VALUE", "DEFAULT", "FROM", "TYPE", "ENVIRONMENT", "PURPOSE"]]
      + settings.map { [$0.key, $0.value, $0.default, $0.from, $0.type, $0.environment, $0.purpose] }
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
  let value: String
  let `default`: String
  /// `default`, or the flag, the variable, or the file and line.
  let from: String
  let purpose: String
  let environment: String

  init(_ declaration: SettingDeclaration, _ reading: SettingReading?) {
    key = declaration.key
    type = declaration.type
    let fallback = EachExecutor.text(declaration.defaultText, of: declaration.key)
    `default` = fallback
    if let reading, let place = reading.place {
      value = reading.text
      from = place
    } else {
      value = EachExecutor.text(reading?.text ?? declaration.defaultText, of: declaration.key)
      from = value == fallback ? "default" : "default, moved by port-offset"
    }
    purpose = declaration.purpose
    environment = SettingsLayer.variable(declaration.key)
  }
}

/// Settings whose default is another for each executor.
enum EachExecutor {
  /// `text`: the default without an id.
  static func text(_ text: String, of key: String) -> String {
    switch key {
    case "executor.id": "none"
    case "executor.port", "executor.admin-port": "\(text) + id"
    default: text
    }
  }

  static func differs(_ key: String) -> Bool { text("", of: key) != "" }
}
