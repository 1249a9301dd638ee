package import DaemonKit
import GRPCSupport

/// The settings of the role `fraud-detection`. What is suspicious, and how much, stands in the rules file.
package struct FraudDetectionConfiguration: Sendable {
  static let role = "fraud-detection"

  /// gRPC.
  package var server: NetworkEndpoint
  /// HTTP, for operators.
  package var admin: NetworkEndpoint
  package var faultDelay: Duration
  /// The folder of the snapshot and of the key of its hashes.
  package var stateFolder: String
  /// Rules and lists; nil = the built-in ones, or none.
  package var files: PolicyFiles
  /// How often the files are looked at.
  package var reloadInterval: Duration
  /// Cards, mail addresses and so on that are remembered, of each kind.
  package var keys: Int
  /// The longest time between two snapshots while orders come.
  package var snapshotInterval: Duration

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader, environment: [String: String] = [:]) {
    let role = Self.role
    let settings = CheckRoleSettings(role: role, defaultPort: 50_051, reader: reader)
    server = settings.server
    admin = settings.admin
    faultDelay = settings.faultDelay
    stateFolder = StateFolder.path(reader: reader, role: role, environment: environment)
    files = PolicyFiles(
      rules: reader.optionalString(
        "\(role).rules",
        "Path of the rules: scores, thresholds and limits; the built-in ones when it is not set."),
      blockList: reader.optionalString(
        "\(role).block-list", "Path of a list of mail addresses and domains that may not order, one a line."),
      disposableDomains: reader.optionalString(
        "\(role).disposable-domains",
        "Path of a list of throw-away mail domains, one a line, beyond the built-in ones."),
      cardRanges: reader.optionalString(
        "\(role).card-ranges", "Path of a list of leading digits of cards with the country that issues them.")
    )
    reloadInterval = reader.duration(
      "\(role).reload-interval", default: .seconds(1), in: .milliseconds(20)...(.seconds(3_600)),
      "How often rules and lists are looked at for changes; they are read again without a restart.")
    keys = reader.integer(
      "\(role).keys", default: 20_000, in: 100...1_000_000,
      "Cards, mail addresses, addresses and clients that are remembered, of each kind; the least recent goes first."
    )
    snapshotInterval = reader.duration(
      "\(role).snapshot-interval", default: .seconds(10), in: .milliseconds(20)...(.seconds(3_600)),
      "While orders come, what is remembered is written to disk this often; a crash forgets what came since.")
  }
}
