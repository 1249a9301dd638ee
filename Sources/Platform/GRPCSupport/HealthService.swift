import DaemonKit
package import GRPCCore
package import OrderProtos
import SwiftProtobuf
import Synchronization

/// `grpc.health.v1.Health`: answers for the server as a whole with the role's one predicate.
package final class HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
  private struct State {
    var role: RoleHealth?
    var isStopping = false
  }

  /// Most watchers at a time.
  private static let maximumWatchers = 64
  private let state = Mutex(State())
  private let watchers = Atomic<Int>(0)

  init() {}

  func attach(_ role: RoleHealth) { state.withLock { $0.role = role } }
  func stop() { state.withLock { $0.isStopping = true } }

  package func check(
    request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext
  ) async throws -> Grpc_Health_V1_HealthCheckResponse {
    guard request.service.isEmpty || request.service.hasPrefix("ordersd.v1.") else {
      throw RPCError(code: .notFound, message: "no service named '\(request.service.prefix(64))' here")
    }
    let status = await status()
    return .with { $0.status = status }
  }

  package func watch(
    request: Grpc_Health_V1_HealthCheckRequest,
    response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
  ) async throws {
    guard watchers.add(1, ordering: .relaxed).newValue <= Self.maximumWatchers else {
      watchers.subtract(1, ordering: .relaxed)
      throw RPCError(code: .resourceExhausted, message: "at most \(Self.maximumWatchers) health watchers")
    }
    defer { watchers.subtract(1, ordering: .relaxed) }
    var last: Grpc_Health_V1_HealthCheckResponse.ServingStatus?
    while !context.cancellation.isCancelled {
      let status = await status()
      if status != last {
        last = status
        try await response.write(.with { $0.status = status })
      }
      if status == .notServing, state.withLock({ $0.isStopping }) { return }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  private func status() async -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    let (role, isStopping) = state.withLock { ($0.role, $0.isStopping) }
    guard !isStopping, let role else { return .notServing }
    return await role.problems().isEmpty ? .serving : .notServing
  }
}
