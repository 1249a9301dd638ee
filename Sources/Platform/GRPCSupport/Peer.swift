package import DaemonKit
package import GRPCCore
package import GRPCNIOTransportHTTP2Posix
import Glibc
import NIOCore
package import NIOPosix
import OrderWire
import ServiceLifecycle

/// One long-lived connection to a peer, reconnecting by itself, as a service of a daemon.
package struct Peer: Service {
  package typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

  /// As it is called in errors and in `/v1/status`: `fraud-detection`.
  package let service: String
  package let endpoint: NetworkEndpoint
  package let client: Client

  /// Throws when `endpoint` cannot be a target.
  package init(service: String, endpoint: NetworkEndpoint, eventLoopGroup: MultiThreadedEventLoopGroup) throws
  {
    self.service = service
    self.endpoint = endpoint
    client = GRPCClient(
      transport: try .http2NIOPosix(
        target: Self.target(endpoint), transportSecurity: .plaintext,
        config: .defaults { config in
          config.backoff = .init(initial: .milliseconds(50), max: .seconds(1), multiplier: 1.6, jitter: 0.2)
          config.connection.maxIdleTime = nil
          // Sessions send what waits as one message already; holding each flush back costs 0.1 ms a message.
          config.connection.flushCoalescing = nil
          config.connection.keepalive = .init(
            time: .seconds(10), timeout: .seconds(3), allowWithoutCalls: false)
          config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
            channel.setOption(Self.userTimeout, value: Self.silence)
          }
        },
        eventLoopGroup: eventLoopGroup))
  }

  package func run() async throws {
    try await withTaskCancellationOrGracefulShutdownHandler {
      try await client.runConnections()
    } onCancelOrGracefulShutdown: { [client] in
      client.beginGracefulShutdown()
    }
  }

  /// Makes one call with a deadline; every failure becomes a `ServiceError` that names the peer.
  ///
  /// `deadline`: how long the call may take, waiting for a connection included.
  package func call<Reply: Sendable>(
    deadline: Duration, _ body: (Client, CallOptions) async throws -> Reply
  ) async throws -> Reply {
    var options = CallOptions.defaults
    options.timeout = deadline
    // Fail at once on a connection that is down: whoever calls decides about trying again.
    options.waitForReady = false
    do {
      return try await body(client, options)
    } catch let error as RPCError {
      throw ServiceError(error, service: service)
    } catch is CancellationError {
      throw ServiceError(.cancelled, "the call of \(service) was cancelled", service: service)
    }
  }

  /// How long what was sent may stay unacknowledged before the connection counts as broken (milliseconds).
  /// Without it the kernel keeps a connection into a silent network for minutes (tcp(7), TCP_USER_TIMEOUT).
  private static let silence = 1_500
  private static let userTimeout = ChannelOptions.Types.SocketOption(
    level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))

  private static func target(_ endpoint: NetworkEndpoint) -> any ResolvableTarget {
    if endpoint.isIPv6 { return .ipv6(address: endpoint.host, port: endpoint.port) }
    let isIPv4 = endpoint.host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy {
      UInt8($0) != nil
    }
    return isIPv4
      ? .ipv4(address: endpoint.host, port: endpoint.port) : .dns(host: endpoint.host, port: endpoint.port)
  }
}
