package import DaemonKit
package import GRPCCore
import GRPCNIOTransportHTTP2Posix
import JournalLog
import Logging
import OrderWire
import ServiceLifecycle
import SystemdSupport

/// A gRPC server as a service of a daemon: bounded, with the standard health service, stopped within its
/// grace.
package struct RoleServer: Service {
  /// Bytes of one request message.
  package static let maximumRequestSize = 4 << 20
  /// `FileDescriptorName=` of a .socket unit.
  package static let socketName = "grpc"

  private let server: GRPCServer<HTTP2ServerTransport.Posix>
  private let endpoint: NetworkEndpoint
  private let setting: String
  private let health: HealthService
  /// Where it listens, or why it does not.
  private let bound = Latch<NetworkEndpoint>()

  /// `setting`: the name of the setting that moves the port, for the message when it is taken.
  package init(
    endpoint: NetworkEndpoint, setting: String, services: [any RegistrableRPCService], context: DaemonContext
  ) {
    self.endpoint = endpoint
    self.setting = setting
    health = HealthService()
    server = GRPCServer(
      transport: Self.transport(endpoint, context), services: services + [health],
      interceptors: [ServiceErrorInterceptor()])
  }

  /// On the socket that was passed, if it is where the settings say; otherwise on one of its own.
  private static func transport(
    _ endpoint: NetworkEndpoint, _ context: DaemonContext
  ) -> HTTP2ServerTransport.Posix {
    let config = HTTP2ServerTransport.Posix.Config.defaults { config in
      config.connection.maxGraceTime = .seconds(2)
      // As in `Peer`.
      config.connection.flushCoalescing = nil
      // Finds peers that vanished, and allows for the pings of `Peer`, which come after 10 s of silence.
      config.connection.keepalive = .init(
        time: .seconds(10), timeout: .seconds(3),
        clientBehavior: .init(minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true))
      config.rpc.maxRequestPayloadSize = Self.maximumRequestSize
      config.http2.maxConcurrentStreams = 1_024
    }
    if let socket = context.sockets.take(Self.socketName) {
      if socket.host == endpoint.host, socket.port == endpoint.port {
        return HTTP2ServerTransport.Posix(
          listeningSocketDescriptor: Int(socket.descriptor), transportSecurity: .plaintext, config: config,
          eventLoopGroup: context.eventLoopGroup)
      }
      socket.close()
      context.logger.tell(
        DaemonEvent.socketElsewhere,
        metadata: ["passed": "\(socket.host):\(socket.port)", "endpoint": "\(endpoint)"])
    }
    let address: SocketAddress =
      endpoint.isIPv6
      ? .ipv6(host: endpoint.host, port: endpoint.port) : .ipv4(host: endpoint.host, port: endpoint.port)
    return HTTP2ServerTransport.Posix(
      address: address, transportSecurity: .plaintext, config: config, eventLoopGroup: context.eventLoopGroup)
  }

  package func run() async throws {
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await announce() }
        try await withGracefulShutdownHandler {
          try await server.serve()
        } onGracefulShutdown: { [server, health] in
          health.stop()
          server.beginGracefulShutdown()
        }
      }
    } catch {
      let failure = ListenError(what: "gRPC", endpoint: endpoint, setting: setting, cause: error)
      bound.resolve(.failure(failure))
      throw failure
    }
  }

  /// The endpoint that it listens on, once it does (with the port that the kernel chose for port 0). Throws
  /// what `run` throws when it never will.
  package func listening() async throws -> NetworkEndpoint { try await bound.value }

  private func announce() async {
    // A socket that cannot be bound is told of by `serve`, which knows why.
    guard let address = try? await server.transport.listeningAddress else { return }
    if let ipv4 = address.ipv4 {
      bound.resolve(.success(NetworkEndpoint(host: ipv4.host, port: ipv4.port)))
    } else if let ipv6 = address.ipv6 {
      bound.resolve(.success(NetworkEndpoint(host: ipv6.host, port: ipv6.port)))
    } else {
      bound.resolve(.success(endpoint))
    }
  }

  /// Lets the health service answer with the role's own predicate.
  package func attach(_ role: RoleHealth) { health.attach(role) }
}

/// Turns a thrown `ServiceError` into its gRPC status, so that providers throw one kind of error.
struct ServiceErrorInterceptor: ServerInterceptor {
  func intercept<Input: Sendable, Output: Sendable>(
    request: StreamingServerRequest<Input>, context: ServerContext,
    next:
      @concurrent @Sendable (StreamingServerRequest<Input>, ServerContext) async throws ->
      StreamingServerResponse<Output>
  ) async throws -> StreamingServerResponse<Output> {
    do {
      var response = try await next(request, context)
      // What a stream throws, it throws while the response is produced.
      if case .success(var contents) = response.accepted {
        let produce = contents.producer
        contents.producer = { writer in
          do {
            return try await produce(writer)
          } catch let error as ServiceError {
            throw RPCError(error)
          }
        }
        response.accepted = .success(contents)
      }
      return response
    } catch let error as ServiceError {
      throw RPCError(error)
    }
  }
}
