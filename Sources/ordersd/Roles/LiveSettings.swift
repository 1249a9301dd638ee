import DaemonKit
import JournalLog

/// The settings of a running role, and what of them can change without a restart: `log.level`. (What a role
/// reads from files of its own, such as the fraud rules, is the role's own part of a reload.)
struct LiveSettings: Sendable {
  private static let live = "log.level"

  /// The role's name in settings.
  private let role: String
  private let sources: SettingsSources
  private let threshold: LogThreshold
  /// As they were at the start.
  private let inForce: [String: String]

  init(role: String, sources: SettingsSources, reader: SettingsReader, threshold: LogThreshold) {
    self.role = role
    self.sources = sources
    self.threshold = threshold
    inForce = Self.values(reader)
  }

  /// Reads everything again and says what differs. Throws `ConfigurationError` with every mistake, as a start
  /// does.
  func prepare() throws -> PreparedReload {
    let reader = try sources.reader()
    let all = AllConfigurations(reader: reader)
    try reader.validate()
    let values = Self.values(reader)
    let differing = values.keys.filter { values[$0] != inForce[$0] && $0 != Self.live && concerns($0) }
      .sorted()
    let (level, before) = (all.log.level, threshold.level)
    return PreparedReload(
      changed: level == before ? [] : ["\(Self.live) \(before) -> \(level)"], needRestart: differing,
      adopt: { threshold.level = level })
  }

  /// Whether this role reads the setting.
  private func concerns(_ key: String) -> Bool {
    !key.contains(".") || key.hasPrefix("log.") || key.hasPrefix("\(role).") || key.hasSuffix(".endpoint")
      || (role == "executor" && key.hasPrefix("election."))
  }

  private static func values(_ reader: SettingsReader) -> [String: String] {
    Dictionary(
      reader.declarations.map { ($0.key, reader.reading(of: $0.key)?.text ?? $0.defaultText) },
      uniquingKeysWith: { first, _ in first })
  }
}
