import Configuration
import Yams

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One place that settings come from: the flags, the environment, or one file.
package struct SettingsLayer {
  let reader: ConfigReader
  /// Where a key stands: `/etc/ordersd/ordersd.yaml:7`, `--set log.level`, `ORDERSD_LOG_LEVEL`.
  let place: (String) -> String
  /// Keys that stand in it, where that can be told (files and flags).
  let keys: [String]
  /// Variables that stand in it (the environment), those of other tools of the project left out.
  let variables: [String]
  private let isFile: Bool

  /// `values` by key.
  package static func flags(_ values: [String: String]) -> SettingsLayer {
    memory("flags", values, isFile: false) { "--set \($0)" }
  }

  /// Variables `ORDERSD_…`: the key in capitals, with `_` for `.` and `-`.
  ///
  /// An empty one counts as not set: it is what compose and units make of a variable that they pass on.
  package static func environment(_ variables: [String: String]) -> SettingsLayer {
    let own = variables.filter {
      $0.key.hasPrefix(prefix) && !$0.value.isEmpty && !variablesOfOtherTools.contains($0.key)
    }
    let stripped = Dictionary(
      own.map { (String($0.key.dropFirst(prefix.count)), $0.value) }, uniquingKeysWith: { first, _ in first })
    return SettingsLayer(
      reader: ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: stripped)),
      place: variable, keys: [], variables: own.keys.sorted(), isFile: false)
  }

  private static let prefix = "ORDERSD_"

  /// Variables with our prefix that are no settings, and may well be set where a daemon is started.
  private static let variablesOfOtherTools: Set<String> = [
    // ordersctl: the orchestrator's URL.
    "ORDERSD_SERVER",
    // orders-leader.service: options of ordersctl.
    "ORDERSD_LEADER_OPTIONS",
    // packaging/libexec/ordersd-generator: what it takes for systemd's version and for its folder, in tests.
    "ORDERSD_SYSTEMD_VERSION", "ORDERSD_DROPINS",
    // Makefile, tools, .ci, Benchmarks: the build folder.
    "ORDERSD_BUILD",
    // Tests/Lab: whether it runs, and where its logs are kept.
    "ORDERSD_LAB", "ORDERSD_LAB_LOGS",
    // docker-compose.yml: the image, how it is built, and where the page is published.
    "ORDERSD_IMAGE", "ORDERSD_IMAGE_TARGET", "ORDERSD_PUBLISH",
  ]

  /// The variable that stands for a setting: `order-queue.lease` is `ORDERSD_ORDER_QUEUE_LEASE`.
  package static func variable(_ key: String) -> String {
    prefix + String(key.uppercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }

  /// A YAML file. Throws `ConfigurationError` when it can't be read or is not a mapping of settings.
  package static func file(_ path: String) throws -> SettingsLayer {
    let text: String
    do {
      text = try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
    } catch {
      throw ConfigurationError(["\(path): cannot be read (\(reason(of: error, path: path)))"])
    }
    var values: [String: String] = [:]
    var lines: [String: Int] = [:]
    do {
      if let root = try Yams.compose(yaml: text) { try flatten(root, under: "", into: &values, &lines) }
    } catch let error as YamlError {
      throw ConfigurationError(["\(path): is not valid YAML: \(error)"])
    } catch let error as ShapeError {
      throw ConfigurationError(["\(path):\(error.line): \(error.message)"])
    }
    return memory(path, values, isFile: true) { key in "\(path):\(lines[key] ?? 1)" }
  }

  private static func memory(
    _ name: String, _ values: [String: String], isFile: Bool, place: @escaping (String) -> String
  ) -> SettingsLayer {
    let pairs = values.map {
      (
        AbsoluteConfigKey(components($0.key), context: [:]), ConfigValue(.string($0.value), isSecret: false)
      )
    }
    let provider = InMemoryProvider(
      name: name, values: Dictionary(pairs, uniquingKeysWith: { first, _ in first }))
    return SettingsLayer(
      reader: ConfigReader(provider: provider), place: place, keys: values.keys.sorted(), variables: [],
      isFile: isFile)
  }

  /// Where a key stands, with its name, for messages.
  func origin(_ key: String) -> String { isFile ? "\(place(key)): \(key)" : place(key) }

  func value(_ key: String) -> String? { reader.string(forKey: ConfigKey(components(key), context: [:])) }
}

private struct ShapeError: Error {
  let line: Int
  let message: String
}

private func components(_ key: String) -> [String] { key.split(separator: ".").map(String.init) }

/// Nested mappings become dotted keys, sequences of scalars become comma-separated text.
private func flatten(
  _ node: Node, under prefix: String, into values: inout [String: String], _ lines: inout [String: Int]
) throws {
  let line = node.mark?.line ?? 1
  switch node {
  case .scalar(let scalar):
    if prefix.isEmpty {
      if scalar.string.isEmpty || scalar.string == "null" { return }
      throw ShapeError(line: line, message: "must be a mapping of settings, such as 'log: {level: info}'")
    }
    values[prefix] = scalar.string
    lines[prefix] = line
  case .sequence(let sequence):
    guard !prefix.isEmpty else {
      throw ShapeError(line: line, message: "must be a mapping of settings, not a list")
    }
    let texts = sequence.compactMap { $0.scalar?.string }
    guard texts.count == sequence.count else {
      throw ShapeError(line: line, message: "\(prefix): a list may hold plain values only")
    }
    values[prefix] = texts.joined(separator: ",")
    lines[prefix] = line
  case .mapping(let mapping):
    for (key, value) in mapping {
      guard let name = key.scalar?.string, !name.isEmpty else {
        throw ShapeError(line: line, message: "a setting's name must be plain text")
      }
      try flatten(value, under: prefix.isEmpty ? name : "\(prefix).\(name)", into: &values, &lines)
      let full = prefix.isEmpty ? name : "\(prefix).\(name)"
      if lines[full] != nil { lines[full] = key.mark?.line ?? line }
    }
  case .alias:
    throw ShapeError(line: line, message: "aliases are not supported")
  }
}

private func reason(of error: any Error, path: String) -> String {
  if !FileManager.default.fileExists(atPath: path) { return "no such file" }
  if !FileManager.default.isReadableFile(atPath: path) { return "permission denied" }
  var isDirectory = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory {
    return "is a directory"
  }
  return "not UTF-8 text, or an I/O error"
}
