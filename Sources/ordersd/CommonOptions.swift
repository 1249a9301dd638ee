import ArgumentParser
import DaemonKit

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What every subcommand takes: where settings come from, and the flags that stand for settings all roles share.
struct CommonOptions: ParsableArguments {
  @Option(
    help: "Settings file; it must exist. Default: \(SettingsSources.defaultFile) and its conf.d, if there.")
  var config: String?
  @Option(help: "Base folder of durable state (setting 'state').")
  var state: String?
  @Option(help: "Address that servers listen on (setting 'bind').")
  var bind: String?
  @Option(help: "Added to every default port (setting 'port-offset').")
  var portOffset: Int?
  @Option(help: "Least severe level that is logged (setting 'log.level').")
  var logLevel: String?
  @Option(help: "How log lines look, text or json (setting 'log.format').")
  var logFormat: String?
  @Option(name: .customLong("set"), help: "Any setting, as key=value; may be repeated.")
  var assignments: [Assignment] = []

  /// The flags that stand for settings, by key. `--set` wins over a flag of its own.
  var flags: [String: String] {
    let own: [(String, String?)] = [
      ("state", state), ("bind", bind), ("port-offset", portOffset.map(String.init)), ("log.level", logLevel),
      ("log.format", logFormat),
    ]
    var flags: [String: String] = [:]
    for case (let key, let value?) in own { flags[key] = value }
    for assignment in assignments { flags[assignment.key] = assignment.value }
    return flags
  }

  /// Flags, environment and files.
  func sources(flags extra: [String: String] = [:]) -> SettingsSources {
    SettingsSources(
      flags: flags.merging(extra) { _, new in new }, environment: ProcessInfo.processInfo.environment,
      file: config)
  }

  /// A reader over them. Throws `ConfigurationError` for a file that cannot be read.
  func reader(flags extra: [String: String] = [:]) throws -> SettingsReader {
    try sources(flags: extra).reader()
  }
}

/// `key=value` on the command line.
struct Assignment: ExpressibleByArgument {
  let key: String
  let value: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else { return nil }
    key = String(argument[..<equals])
    value = String(argument[argument.index(after: equals)...])
  }
}

/// A duration on the command line: `500ms`, `30s`, `2m`.
struct DurationArgument: ExpressibleByArgument {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    guard let duration = DurationText.parse(argument) else { return nil }
    self.init(duration)
  }

  var defaultValueDescription: String { DurationText.format(duration) }
}
