import Hummingbird
import Logging

/// `POST /wedge?loop=NAME` on the admin port holds that loop up for good, so that the watchdog can be tried.
/// It is there only with `--allow-fault-hooks`, and only on a loopback address.
struct FaultHooks: Sendable {
  private let heartbeats: Heartbeats
  private let logger: Logger

  /// Throws `ConfigurationError` when `admin` can be reached from other machines.
  init(admin: NetworkEndpoint, heartbeats: Heartbeats, logger: Logger) throws {
    guard ["127.0.0.1", "::1", "localhost"].contains(admin.host) else {
      throw ConfigurationError([
        "--allow-fault-hooks: anybody who reaches the admin port can stop this role then; 'bind' must be 127.0.0.1, "
          + "not \(admin.host)"
      ])
    }
    self.heartbeats = heartbeats
    self.logger = logger
  }

  func add(to router: Router<BasicRequestContext>) {
    router.post("/wedge") { request, _ in
      let name = request.uri.queryParameters["loop"].map(String.init) ?? ""
      guard heartbeats.wedge(name) else {
        let names = heartbeats.names.joined(separator: "\n")
        return Response(
          status: name.isEmpty ? .badRequest : .notFound,
          body: .init(byteBuffer: .init(string: "loop= must be one of\n\(names)\n")))
      }
      logger.warning("A loop is held up, as a test of the watchdog asked.", metadata: ["loop": "\(name)"])
      return Response(status: .accepted, body: .init(byteBuffer: .init(string: "\(name) is held up\n")))
    }
  }
}
