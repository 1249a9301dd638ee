import BullyElection
import CoreTime
import GRPCCore
import GRPCSupport
import LeaderWork
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf

/// The calls that an executor makes to the order queue. All but the stream have a deadline.
struct QueueClient: Sendable {
  private static let deadline = Duration.seconds(1)

  let peer: Peer
  let lane: String
  let executorID: UInt32
  let incarnation: UInt64
  let leases: LeaseCheck

  func claim(term: UInt64) async throws -> LeaderWork<OrderID>.ClaimAnswer {
    let request = Ordersd_V1_ClaimRequest.with {
      $0.lane = lane
      $0.executorID = executorID
      $0.incarnation = incarnation
      $0.term = term
    }
    let reply = try await peer.call(deadline: Self.deadline) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).claim(request, options: options)
    }
    if reply.granted { leases.note(.milliseconds(Int64(reply.leaseMs))) }
    return reply.granted
      ? .granted(epoch: reply.epoch, lease: .milliseconds(Int64(reply.leaseMs)))
      : .held(by: NodeID(process: reply.holder).map { Int($0.rawValue) }, epoch: reply.epoch)
  }

  func resign(epoch: UInt64, reason: String) async throws {
    let request = Ordersd_V1_ResignRequest.with {
      $0.fence = fence(epoch)
      $0.reason = reason
    }
    _ = try await peer.call(deadline: .milliseconds(500)) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).resign(request, options: options)
    }
  }

  /// Whether the queue is reached and serves.
  func isServing() async -> Bool {
    do {
      let reply = try await peer.call(deadline: Self.deadline) { client, options in
        try await Grpc_Health_V1_Health.Client(wrapping: client).check(.init(), options: options)
      }
      return reply.status == .serving
    } catch {
      return false
    }
  }

  /// The work stream, until either side ends it. Throws `ServiceError`.
  func work(
    _ outbox: CommandOutbox, onReply: @escaping @Sendable (Ordersd_V1_WorkReply) async -> Void
  ) async throws {
    var options = CallOptions.defaults
    options.waitForReady = false
    do {
      try await Ordersd_V1_OrderQueue.Client(wrapping: peer.client).work(
        options: options,
        requestProducer: { writer in try await outbox.send(to: writer) },
        onResponse: { response in
          for try await reply in response.messages { await onReply(reply) }
        })
    } catch let error as RPCError {
      throw ServiceError(error, service: peer.service)
    }
  }

  /// Orders that can be named as held; the queue takes no more.
  private static let mostHeld = 4_096

  /// The first command of a work stream. `held`: all that this executor still has under the epoch, so that the
  /// queue takes back what was lost on its way.
  func opening(_ epoch: UInt64, held: Set<OrderID>) -> Ordersd_V1_WorkCommand.OneOf_Command {
    .open(
      .with {
        $0.fence = fence(epoch)
        $0.executorID = executorID
        $0.incarnation = incarnation
        if held.count <= Self.mostHeld { $0.held = .with { $0.orderIds = held.map { "\($0)" } } }
      })
  }

  func fence(_ epoch: UInt64) -> Ordersd_V1_Fence {
    .with {
      $0.lane = lane
      $0.epoch = epoch
    }
  }
}

extension NodeID {
  /// From `executor-3`.
  init?(process: String) {
    guard let dash = process.lastIndex(of: "-"), let number = UInt16(process[process.index(after: dash)...])
    else {
      return nil
    }
    self.init(number)
  }
}
