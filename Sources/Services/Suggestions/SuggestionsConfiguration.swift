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

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader) {
    let settings = CheckRoleSettings(role: Self.role, defaultPort: 50_053, reader: reader)
    server = settings.server
    admin = settings.admin
    faultDelay = settings.faultDelay
    catalog = reader.optionalString(
      "catalog", "Path of catalog.json; the built-in catalog when it is not set.")
    limit = reader.integer("\(Self.role).limit", default: 3, in: 0...50, "Most suggestions for one order.")
  }
}
