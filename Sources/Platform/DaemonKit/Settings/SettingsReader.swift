/// Everything that is wrong with the settings, in one message. A daemon that throws it exits with 78 (EX_CONFIG).
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// One sentence each: file and line (or flag, or variable), key, and what would be right.
  package let problems: [String]

  package init(_ problems: [String]) { self.problems = problems }

  package var description: String { problems.joined(separator: "\n") }
}

/// A setting as it was declared by the code that reads it.
package struct SettingDeclaration: Sendable, Hashable {
  package let key: String
  /// `text`, `whole number 1 … 65535`, `duration 1s … 1h` …
  package let type: String
  package let defaultText: String
  package let purpose: String
}

/// What a setting came to.
package struct SettingReading: Sendable, Hashable {
  /// As it would be written in a file; lists with commas.
  package let text: String
  /// `--set log.level`, `ORDERSD_LOG_LEVEL`, `/etc/ordersd/ordersd.yaml:7`; nil for the default.
  package let place: String?
}

/// Reads typed settings from layers, the first that has a key wins: flags, environment, files, default.
///
/// Reading a key declares it. Mistakes are gathered, so that one message can name them all: read everything, then
/// call `validate()`. Used at start by one thread; not Sendable.
package final class SettingsReader {
  private let layers: [SettingsLayer]
  private var problems: [String] = []
  /// In the order of first reading.
  package private(set) var declarations: [SettingDeclaration] = []
  private var declared: Set<String> = []
  private var readings: [String: SettingReading] = [:]
  private lazy var portOffset = integer(
    "port-offset", default: 0, in: 0...15_000,
    "Added to every default port, so that a second set can run beside.")

  /// What names every key, for messages about unknown ones.
  private let overview: String

  /// `layers` in order of precedence.
  package init(layers: [SettingsLayer], overview: String = "'ordersd settings'") {
    self.layers = layers
    self.overview = overview
  }

  /// Nil for a key that was not read.
  package func reading(of key: String) -> SettingReading? { readings[key] }

  package func string(_ key: String, default fallback: String, _ purpose: String) -> String {
    read(key, type: "text", fallback: fallback, shown: fallback, purpose) { .success($0) }
  }

  package func optionalString(_ key: String, _ purpose: String) -> String? {
    read(key, type: "text", fallback: nil, shown: "none", purpose) { .success($0) }
  }

  /// Comma-separated in flags and environment, a sequence in YAML.
  package func list(_ key: String, default fallback: [String], _ purpose: String) -> [String] {
    read(key, type: "list", fallback: fallback, shown: fallback.joined(separator: ","), purpose) { text in
      .success(text.split(separator: ",").map { String($0.drop(while: { $0 == " " })) })
    }
  }

  package func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>, _ purpose: String)
    -> Int
  {
    let type = "whole number \(range.lowerBound) … \(range.upperBound)"
    return read(key, type: type, fallback: fallback, shown: String(fallback), purpose) { text in
      guard let value = Int(text), range.contains(value) else {
        return .failure(.init("must be a whole number from \(range.lowerBound) to \(range.upperBound)"))
      }
      return .success(value)
    }
  }

  package func boolean(_ key: String, default fallback: Bool, _ purpose: String) -> Bool {
    read(key, type: "true or false", fallback: fallback, shown: String(fallback), purpose) { text in
      switch text.lowercased() {
      case "true", "yes", "on", "1": .success(true)
      case "false", "no", "off", "0": .success(false)
      default: .failure(.init("must be true or false"))
      }
    }
  }

  package func duration(
    _ key: String, default fallback: Duration, in range: ClosedRange<Duration>, _ purpose: String
  ) -> Duration {
    let low = DurationText.format(range.lowerBound)
    let high = DurationText.format(range.upperBound)
    let shown = DurationText.format(fallback)
    return read(key, type: "duration \(low) … \(high)", fallback: fallback, shown: shown, purpose) { text in
      guard let value = DurationText.parse(text), range.contains(value) else {
        return .failure(
          .init("must be a duration such as \(shown) (units ms, s, m, h, d), from \(low) to \(high)"))
      }
      return .success(value)
    }
  }

  package func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: Choice, _ purpose: String
  ) -> Choice where Choice.RawValue == String {
    let names = Choice.allCases.map(\.rawValue)
    return read(
      key, type: names.joined(separator: " | "), fallback: fallback, shown: fallback.rawValue, purpose
    ) { text in
      guard let value = Choice(rawValue: text) else {
        return .failure(.init("must be one of \(names.joined(separator: ", "))"))
      }
      return .success(value)
    }
  }

  /// A port to listen on. The default is moved by `port-offset`; a port that is set is taken as it is.
  package func port(_ key: String, default base: Int, _ purpose: String) -> Int {
    let fallback = base + portOffset
    return read(
      key, type: "port 0 … 65535", fallback: fallback, shown: String(base), moved: String(fallback), purpose
    ) { text in
      guard let value = Int(text), (0...65_535).contains(value) else {
        return .failure(.init("must be a port from 0 (the kernel chooses) to 65535"))
      }
      return .success(value)
    }
  }

  /// Where a peer is reached; by default on this machine, at a port that is moved by `port-offset`.
  package func endpoint(_ key: String, defaultPort: Int, _ purpose: String) -> NetworkEndpoint {
    let fallback = NetworkEndpoint(host: "127.0.0.1", port: defaultPort + portOffset)
    return read(
      key, type: "host:port", fallback: fallback, shown: "127.0.0.1:\(defaultPort)",
      moved: "\(fallback)", purpose
    ) { text in
      guard let value = NetworkEndpoint(text), value.port > 0 else {
        return .failure(.init("must be host:port, such as \(fallback)"))
      }
      return .success(value)
    }
  }

  /// A mistake that only the reader of several settings can see.
  package func report(_ key: String, _ message: String) {
    problems.append("\(origin(of: key)): \(message)")
  }

  /// Throws `ConfigurationError` with every mistake: bad values, and names in files, flags or the environment that
  /// nobody declared.
  package func validate() throws {
    let variables = Set(declared.map(SettingsLayer.variable))
    for layer in layers {
      for key in layer.keys where !declared.contains(key) {
        problems.append("\(layer.origin(key)): unknown setting\(hint(key, among: declared))")
      }
      for name in layer.variables where !variables.contains(name) {
        problems.append("\(name): unknown setting\(hint(name, among: variables))")
      }
    }
    if !problems.isEmpty { throw ConfigurationError(problems) }
  }

  private struct Complaint: Error {
    let message: String
    init(_ message: String) { self.message = message }
  }

  private func read<Value>(
    _ key: String, type: String, fallback: Value, shown: String, moved: String? = nil, _ purpose: String,
    parse: (String) -> Result<Value, Complaint>
  ) -> Value {
    if declared.insert(key).inserted {
      declarations.append(SettingDeclaration(key: key, type: type, defaultText: shown, purpose: purpose))
      readings[key] = SettingReading(text: moved ?? shown, place: nil)
    }
    for layer in layers {
      guard let text = layer.value(key) else { continue }
      readings[key] = SettingReading(text: text, place: layer.place(key))
      switch parse(text) {
      case .success(let value): return value
      case .failure(let complaint):
        let problem = "\(layer.origin(key)): \(complaint.message), not '\(text.prefix(80))'"
        // Settings that several parts of a program read are read more than once.
        if !problems.contains(problem) { problems.append(problem) }
        return fallback
      }
    }
    return fallback
  }

  private func origin(of key: String) -> String {
    layers.first { $0.value(key) != nil }?.origin(key) ?? key
  }

  private func hint(_ name: String, among known: Set<String>) -> String {
    let near = known.map { ($0, editDistance(name, $0)) }.filter { $0.1 <= 3 }
      .min { ($0.1, $0.0) < ($1.1, $1.0) }
    return near.map { "; did you mean '\($0.0)'?" } ?? "; see \(overview) for all of them"
  }
}

/// Levenshtein's distance, for "did you mean".
private func editDistance(_ left: String, _ right: String) -> Int {
  let (left, right) = (Array(left.utf8.prefix(64)), Array(right.utf8.prefix(64)))
  var row = Array(0...right.count)
  for (i, a) in left.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, b) in right.enumerated() {
      let above = row[j + 1]
      row[j + 1] = a == b ? diagonal : 1 + min(diagonal, above, row[j])
      diagonal = above
    }
  }
  return row[right.count]
}
