import DaemonKit
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Serves REST and the page.
struct HTTPService: Service {
  let api: RESTAPI
  let endpoint: NetworkEndpoint
  let context: DaemonContext
  /// Connections at a time; more wait to be accepted.
  static let maximumConnections = 4_096
  /// The endpoint that is listened on (with the port that the kernel chose for port 0), or why none is.
  let listening = Latch<NetworkEndpoint>()

  func run() async throws {
    var quiet = context.logger
    quiet.logLevel = max(context.logger.logLevel, .warning)
    let (listening, endpoint) = (listening, endpoint)
    let application = Application(
      router: api.router(),
      server: .http1(
        configuration: .init(
          // Silence is for `HeadGuard` to judge: the server's own timer would end a batch that waits for its places.
          additionalChannelHandlers: [HeadGuard()], idleTimeout: nil,
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: HeadGuard.fieldSize, maxHeaderListSize: HeadGuard.headerSize,
            maxHeaderFieldCount: HeadGuard.fields))),
      configuration: .init(
        address: .hostname(endpoint.host, port: endpoint.port), serverName: "ordersd",
        availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? endpoint.port
        listening.resolve(.success(NetworkEndpoint(host: endpoint.host, port: port)))
      },
      eventLoopGroupProvider: .shared(context.eventLoopGroup), logger: quiet)
    do {
      try await withGracefulShutdownHandler {
        try await application.run()
      } onGracefulShutdown: { [api] in
        // Open event streams would otherwise hold the stop up.
        api.repository.feed.finish()
      }
    } catch {
      let failure = ListenError(what: "REST", endpoint: endpoint, setting: "orchestrator.port", cause: error)
      listening.resolve(.failure(failure))
      throw failure
    }
  }
}
