package import DaemonKit
import GRPCSupport

/// The settings of the role `suggestions`.
package struct SuggestionsConfiguration: Sendable {
  static let role = "suggestions"

  /// gRPC.
  package var server: NetworkEndpoint
  /// HTTP, for operators.
  package var admin: NetworkEndpoint
  package var faultDelay: Duration
  /// `catalog.json`; nil = the built-in catalog.
  package var catalog: String?
  /// Most suggestions for one order, 0 … 50.
  package var limit: Int
  /// Of whom what was executed is learned.
  package var orderQueue: NetworkEndpoint
  /// The folder of `learned.snapshot`.
  package var stateFolder: String
  package var snapshotInterval: Duration
  /// After this time an order counts half.
  package var halfLife: Duration

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader, environment: [String: String] = [:]) {
    let settings = CheckRoleSettings(role: Self.role, defaultPort: 50_053, reader: reader)
    server = settings.server
    admin = settings.admin
    faultDelay = settings.faultDelay
    catalog = reader.optionalString(
      "catalog", "Path of catalog.json; the built-in catalog when it is not set.")
    limit = reader.integer("\(Self.role).limit", default: 3, in: 0...50, "Most suggestions for one order.")
    orderQueue = reader.endpoint(
      "order-queue.endpoint", defaultPort: 50_055, "Where order-queue is reached.")
    stateFolder = StateFolder.path(reader: reader, role: Self.role, environment: environment)
    snapshotInterval = reader.duration(
      "\(Self.role).snapshot-interval", default: .seconds(30), in: .milliseconds(100)...(.seconds(3_600)),
      "How often what was learned is written to disk; after a crash the rest is learned again.")
    halfLife = reader.duration(
      "\(Self.role).half-life", default: .seconds(90 * 86_400),
      in: .seconds(3_600)...(.seconds(3_650 * 86_400)), "After this time an order counts half.")
  }
}
