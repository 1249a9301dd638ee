import GRPCCore
import GRPCSupport
import OrderProtos

/// `ordersd.v1.TransactionVerification`; everything is the host's.
struct TransactionVerificationService: Ordersd_V1_TransactionVerification.SimpleServiceProtocol {
  let host: CheckHost

  func check(
    request: Ordersd_V1_CheckRequest, context: ServerContext
  ) async throws -> Ordersd_V1_CheckReply {
    try await host.check(request, context: context)
  }

  func settle(
    request: Ordersd_V1_SettleRequest, context: ServerContext
  ) async throws -> Ordersd_V1_SettleReply {
    try host.settle(request)
  }

  func session(
    request: RPCAsyncSequence<Ordersd_V1_CheckSessionRequest, any Error>,
    response: RPCWriter<Ordersd_V1_CheckSessionReply>, context: ServerContext
  ) async throws {
    try await host.session(request, response, context: context)
  }
}
