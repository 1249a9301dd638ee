import GRPCCore
package import OrderProtos
import SwiftProtobuf

extension Peer {
  /// Follows what becomes of the orders in the queue that this peer is, from `cursor` on, until the queue
  /// ends it. True when anything came.
  ///
  /// `opened`: the stream is open; the first outcome may be long in coming. `take` gets what came, in order.
  /// Throws what `take` throws, and `RPCError`.
  package func followOutcomes(
    after cursor: UInt64, opened: @escaping @Sendable () -> Void,
    take: @escaping @Sendable ([Ordersd_V1_Outcome]) async throws -> Void
  ) async throws -> Bool {
    var options = CallOptions.defaults
    options.waitForReady = false
    let queue = Ordersd_V1_OrderQueue.Client(wrapping: client)
    return try await queue.outcomes(.with { $0.after = cursor }, options: options) { response in
      var hasCome = false
      // The stream is open once its head has come.
      if case .success = response.accepted { opened() }
      for try await batch in response.messages {
        hasCome = true
        try await take(batch.outcomes)
      }
      return hasCome
    }
  }
}
