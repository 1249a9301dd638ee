package import DaemonKit
import GRPCSupport

/// The settings of the role `transaction-verification`.
package struct TransactionVerificationConfiguration: Sendable {
  static let role = "transaction-verification"

  /// gRPC.
  package var server: NetworkEndpoint
  /// HTTP, for operators.
  package var admin: NetworkEndpoint
  package var faultDelay: Duration
  /// `catalog.json`; nil = the built-in catalog.
  package var catalog: String?

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader) {
    let settings = CheckRoleSettings(role: Self.role, defaultPort: 50_052, reader: reader)
    server = settings.server
    admin = settings.admin
    faultDelay = settings.faultDelay
    catalog = reader.optionalString(
      "catalog", "Path of catalog.json; the built-in catalog when it is not set.")
  }
}
