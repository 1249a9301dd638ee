package import DaemonKit
package import GRPCCore
import Logging

/// The settings that all check services have.
package struct CheckRoleSettings: Sendable {
  package var server: NetworkEndpoint
  package var admin: NetworkEndpoint
  /// A fault hook: see `CheckHost`.
  package var faultDelay: Duration

  /// `role`: `fraud-detection`. The admin port is 1,000 above the gRPC port by default.
  package init(role: String, defaultPort: Int, reader: SettingsReader) {
    let bind = reader.string("bind", default: "127.0.0.1", "Address that the servers listen on.")
    server = NetworkEndpoint(
      host: bind, port: reader.port("\(role).port", default: defaultPort, "gRPC port of \(role)."))
    admin = NetworkEndpoint(
      host: bind,
      port: reader.port("\(role).admin-port", default: defaultPort + 1_000, "Admin HTTP port of \(role)."))
    faultDelay = reader.duration(
      "\(role).fault-delay", default: .zero, in: .zero...(.seconds(60)),
      "Fault hook for tests and drills: holds every answer to a check back for this long. Leave it at 0ms.")
  }
}

extension CheckHost {
  /// A role that serves `service` and nothing else. `role` as in `CheckRoleSettings`.
  package func runtime(
    role: String, service: any RegistrableRPCService, endpoint: NetworkEndpoint
  ) -> RoleRuntime {
    let server = RoleServer(
      endpoint: endpoint, setting: "\(role).port", services: [service], context: context)
    if faultDelay > .zero {
      context.logger.warning(
        "A fault hook is on: answers are held back.", metadata: ["fault_delay": "\(faultDelay)"])
    }
    return RoleRuntime(
      services: [server],
      waitUntilListening: { self.listens(at: try await server.listening()) },
      report: { self.roleReport() },
      onHealth: { server.attach($0) })
  }
}
