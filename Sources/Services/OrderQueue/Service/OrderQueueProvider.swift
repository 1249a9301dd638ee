import CoreTime
import GRPCCore
import OrderDomain
import OrderProtos
import OrderWire
import PriorityQueue
import SwiftProtobuf
import VectorClock

/// The gRPC face of the queue: decodes, calls, encodes.
struct OrderQueueProvider: Ordersd_V1_OrderQueue.SimpleServiceProtocol {
  let engine: QueueEngine

  /// An engine's answer, with its errors in the one form that leaves.
  func durable<Value: Sendable>(_ pending: Pending<Value>) async throws -> Value {
    do {
      return try await pending.value
    } catch {
      throw ServiceError(answer: error)
    }
  }

  func enqueue(
    request: Ordersd_V1_EnqueueRequest, context: ServerContext
  ) async throws -> Ordersd_V1_EnqueueReply {
    let command = try EnqueueCommand(request)
    let recalled = try await engine.recall([command.job.id])[command.job.id]
    return try await durable(engine.enqueue(command, recalled: recalled)).message
  }

  func lease(request: Ordersd_V1_LeaseRequest, context: ServerContext) async throws -> Ordersd_V1_LeaseReply {
    let fence = try LeaderFence(request.fence)
    let max = try bounded(request.max, default: 1, upTo: QueueLimit.leaseBatch, "max")
    let duration = try leaseLength(request.leaseMs, default: engine.configuration.lease)
    let deliveries = try await durable(
      engine.lease(fence, max: min(max, QueueEngine.pushBatch), duration: duration))
    return .with { $0.deliveries = deliveries.map(\.message) }
  }

  func touch(request: Ordersd_V1_TouchRequest, context: ServerContext) async throws -> Ordersd_V1_TouchReply {
    let fence = try LeaderFence(request.fence)
    let id = try OrderID(wire: request.orderID)
    let duration = try leaseLength(request.leaseMs, default: engine.configuration.lease)
    let lease = try await durable(engine.touch(fence, id, duration: duration))
    return .with { $0.leaseMs = milliseconds(lease) }
  }

  func ack(request: Ordersd_V1_AckRequest, context: ServerContext) async throws -> Ordersd_V1_AckReply {
    let result = try await durable(
      engine.ack(
        try LeaderFence(request.fence), try OrderID(wire: request.orderID),
        clock: VectorClock(leader: request.clock),
        note: try shortText(request.note, "note")))
    return .with {
      $0.clock = result.clock.message
      $0.duplicate = result.isDuplicate
    }
  }

  func nack(request: Ordersd_V1_NackRequest, context: ServerContext) async throws -> Ordersd_V1_NackReply {
    let result = try await durable(
      engine.nack(
        try LeaderFence(request.fence), try OrderID(wire: request.orderID),
        clock: VectorClock(leader: request.clock),
        reason: try shortText(request.reason, "reason"), how: try QueueEngine.Return(request)))
    return .with {
      $0.clock = result.clock.message
      $0.state = result.state.message
    }
  }

  func cancel(
    request: Ordersd_V1_CancelRequest, context: ServerContext
  ) async throws -> Ordersd_V1_CancelReply {
    try await durable(
      engine.cancel(
        try OrderID(wire: request.orderID),
        clock: try VectorClock(request.clock, count: QueueLimit.clockCount),
        reason: try shortText(request.reason, "reason"))
    ).message
  }

  func bury(request: Ordersd_V1_BuryRequest, context: ServerContext) async throws -> Ordersd_V1_BuryReply {
    let state = try await durable(
      engine.bury(try OrderID(wire: request.orderID), reason: try shortText(request.reason, "reason")))
    return .with { $0.state = state.message }
  }

  func kick(request: Ordersd_V1_KickRequest, context: ServerContext) async throws -> Ordersd_V1_KickReply {
    let id = request.orderID.isEmpty ? nil : try OrderID(wire: request.orderID)
    let limit = try bounded(request.max, default: QueueLimit.kick, upTo: QueueLimit.kick, "max")
    let ids = try await durable(engine.kick(id, limit: limit))
    return .with { $0.orderIds = ids.map(\.description) }
  }

  func peek(request: Ordersd_V1_PeekRequest, context: ServerContext) async throws -> Ordersd_V1_PeekReply {
    try await peek(try OrderID(wire: request.orderID)).peekReply
  }

  func peek(_ id: OrderID) async throws -> StoredJob {
    guard let job = try await engine.store.job(id) else {
      throw ServiceError(.notFound, "the queue holds no order \(id)")
    }
    return job
  }

  func list(request: Ordersd_V1_ListRequest, context: ServerContext) async throws -> Ordersd_V1_ListReply {
    let limit = try bounded(request.limit, default: 100, upTo: QueueLimit.listPage, "limit")
    let after = request.after.isEmpty ? nil : try OrderID(wire: request.after)
    // One more than asked for tells whether there is another page.
    let jobs = try await engine.store.list(
      state: try JobState.filter(request.state), after: after, limit: limit + 1)
    return .with {
      $0.jobs = jobs.prefix(limit).map(\.message)
      if jobs.count > limit { $0.next = jobs[limit - 1].id.description }
    }
  }

  func stats(request: Ordersd_V1_StatsRequest, context: ServerContext) async throws -> Ordersd_V1_StatsReply {
    await engine.stats(fresh: true).message(lanes: await engine.lanes(), await engine.figures())
  }

  func pause(request: Ordersd_V1_PauseRequest, context: ServerContext) async throws -> Ordersd_V1_PauseReply {
    let reason = try shortText(request.reason, "reason")
    let duration: Duration? = request.forMs == 0 ? nil : .milliseconds(Int64(request.forMs))
    _ = try await durable(engine.pause(for: duration, reason: reason))
    return Ordersd_V1_PauseReply()
  }

  func resume(
    request: Ordersd_V1_ResumeRequest, context: ServerContext
  ) async throws -> Ordersd_V1_ResumeReply {
    _ = try await durable(engine.resume())
    return Ordersd_V1_ResumeReply()
  }

  func drain(request: Ordersd_V1_DrainRequest, context: ServerContext) async throws -> Ordersd_V1_DrainReply {
    _ = try await durable(engine.setDraining(request.on))
    let stats = await engine.stats(fresh: true)
    let waiting: [JobState] = [.ready, .leased, .delayed]
    return .with { $0.remaining = UInt64(clamping: waiting.reduce(0) { $0 + (stats.byState[$1] ?? 0) }) }
  }

  func claim(request: Ordersd_V1_ClaimRequest, context: ServerContext) async throws -> Ordersd_V1_ClaimReply {
    let claim = LeadershipClaim(
      lane: try laneName(request.lane), executor: try executorID(request.executorID),
      incarnation: request.incarnation, term: request.term)
    let result = try await durable(engine.claim(claim))
    return .with {
      $0.granted = result.isGranted
      $0.epoch = result.epoch
      $0.holder = result.holder
      $0.leaseMs = milliseconds(result.lease)
    }
  }

  func renew(request: Ordersd_V1_RenewRequest, context: ServerContext) async throws -> Ordersd_V1_RenewReply {
    let lease = try await durable(engine.renew(try LeaderFence(request.fence)))
    return .with { $0.leaseMs = milliseconds(lease) }
  }

  func resign(
    request: Ordersd_V1_ResignRequest, context: ServerContext
  ) async throws -> Ordersd_V1_ResignReply {
    try await durable(
      engine.resign(try LeaderFence(request.fence), reason: try shortText(request.reason, "reason")))
    return Ordersd_V1_ResignReply()
  }
}
