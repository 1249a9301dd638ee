import DaemonKit
package import GRPCCore
package import OrderProtos
import OrderWire

// The three methods of `TransactionVerification`, `FraudDetection` and `Suggestions`.
extension CheckHost {
  /// Throws `ServiceError`.
  package func check(
    _ request: Ordersd_V1_CheckRequest, context call: ServerContext
  ) async throws -> Ordersd_V1_CheckReply {
    let received = context.clocks.now()
    if faultDelay > .zero { try await holdBack(until: call.cancellation) }
    return try check(request, received: received)
  }

  /// Runs one stream until the client half-closes it, it is cancelled, or the server stops.
  package func session(
    _ request: RPCAsyncSequence<Ordersd_V1_CheckSessionRequest, any Error>,
    _ response: RPCWriter<Ordersd_V1_CheckSessionReply>, context call: ServerContext
  ) async throws {
    try await CheckSession(host: self).run(request, response, call.cancellation)
  }

  private func holdBack(until cancellation: ServerContext.RPCCancellationHandle) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      defer { group.cancelAll() }
      group.addTask { [faultDelay] in
        try await Task.sleep(for: faultDelay)
        return true
      }
      group.addTask {
        try await cancellation.cancelled
        return false
      }
      if try await group.next() != true {
        throw ServiceError(.cancelled, "the call was cancelled, or this service is stopping")
      }
    }
  }
}
