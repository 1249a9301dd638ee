import DaemonKit
import GRPCCore
import GRPCSupport
import NIOPosix
import OrderProtos
import OrderWire

/// Calls of single roles over gRPC.
enum RoleClient {
  /// How long an operator waits for one role.
  static let deadline: Duration = .seconds(2)

  static func stats(_ endpoint: NetworkEndpoint) async throws -> Ordersd_V1_StatsReply {
    try await call("order-queue", endpoint) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).stats(
        Ordersd_V1_StatsRequest(), options: options)
    }
  }

  static func status(ofExecutorAt endpoint: NetworkEndpoint) async throws -> Ordersd_V1_ExecutorStatus {
    try await call("the executor at \(endpoint)", endpoint) { client, options in
      try await Ordersd_V1_ExecutorControl.Client(wrapping: client)
        .getStatus(Ordersd_V1_ExecutorStatusRequest(), options: options)
    }
  }

  static func stepDown(executorAt endpoint: NetworkEndpoint, for pause: Duration, reason: String) async throws
    -> Bool
  {
    // It finishes what it holds first.
    try await call("the executor at \(endpoint)", endpoint, deadline: .seconds(6)) { client, options in
      try await Ordersd_V1_ExecutorControl.Client(wrapping: client)
        .stepDown(request(pause, reason), options: options)
    }.steppedDown
  }

  static func freeze(executorAt endpoint: NetworkEndpoint, for time: Duration, reason: String) async throws
    -> Ordersd_V1_FreezeReply
  {
    var request = Ordersd_V1_FreezeRequest()
    request.reason = reason
    request.forMs = milliseconds(time)
    return try await call("the executor at \(endpoint)", endpoint) { [request] client, options in
      try await Ordersd_V1_ExecutorControl.Client(wrapping: client).freeze(request, options: options)
    }
  }

  static func thaw(executorAt endpoint: NetworkEndpoint) async throws -> Bool {
    try await call("the executor at \(endpoint)", endpoint) { client, options in
      try await Ordersd_V1_ExecutorControl.Client(wrapping: client)
        .thaw(Ordersd_V1_ThawRequest(), options: options)
    }.wasFrozen
  }

  private static func milliseconds(_ time: Duration) -> UInt32 {
    UInt32(clamping: Int64(time / .milliseconds(1)))
  }

  private static func request(_ pause: Duration, _ reason: String) -> Ordersd_V1_StepDownRequest {
    var request = Ordersd_V1_StepDownRequest()
    request.reason = reason
    request.forMs = milliseconds(pause)
    return request
  }

  static func isServing(_ service: String, _ endpoint: NetworkEndpoint) async throws -> Bool {
    try await call(service, endpoint) { client, options in
      try await Grpc_Health_V1_Health.Client(wrapping: client)
        .check(Grpc_Health_V1_HealthCheckRequest(), options: options)
    }.status == .serving
  }

  /// One connection for one call. Throws `ServiceError`.
  private static func call<Reply: Sendable>(
    _ service: String, _ endpoint: NetworkEndpoint, deadline: Duration = deadline,
    _ body: @Sendable (Peer.Client, CallOptions) async throws -> Reply
  ) async throws -> Reply {
    let peer = try Peer(service: service, endpoint: endpoint, eventLoopGroup: .singleton)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await peer.run() }
      do {
        let reply = try await peer.call(deadline: deadline, body)
        group.cancelAll()
        return reply
      } catch let error as ServiceError
        where error.code == .deadlineExceeded || error.code == .serviceUnavailable
      {
        group.cancelAll()
        throw ServiceError(.serviceUnavailable, "does not answer at \(endpoint)", service: service)
      } catch {
        group.cancelAll()
        throw error
      }
    }
  }
}
