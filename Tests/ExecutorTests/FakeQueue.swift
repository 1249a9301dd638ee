import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf

/// Just enough of an order queue to judge executors: epochs by claim, orders by credits, and a record of who
/// did what.
actor FakeQueue {
  struct Deed: Sendable, Hashable {
    var order: String
    var executor: UInt32
    var epoch: UInt64
  }

  private struct Link {
    var epoch: UInt64
    var executor: UInt32
    var credits = 0
    var events: AsyncStream<Ordersd_V1_WorkEvent>.Continuation
  }

  private(set) var epoch: UInt64 = 0
  private(set) var holder: UInt32 = 0
  private(set) var deeds: [Deed] = []
  private(set) var resignations: [String] = []
  private(set) var nacks: [Ordersd_V1_NackRequest] = []
  private(set) var delivered: [String] = []
  private(set) var acknowledged: [Ordersd_V1_AckRequest] = []
  private var incarnation: UInt64 = 0
  private var isHeld = false
  /// Without a renewal the leadership ends here, whether or not a stream closed.
  private var heldUntil = ContinuousClock.now
  private static let lease = Duration.seconds(3)
  private var isResigned = true
  private var ready: [String] = []
  private var leased: [String: UInt64] = [:]
  private var links: [Int: Link] = [:]
  private var nextLink = 0

  func enqueue(_ orders: [String]) {
    ready += orders
    push()
  }

  func breakStreams() {
    for link in links.values { link.events.finish() }
  }

  func claim(_ request: Ordersd_V1_ClaimRequest) -> Ordersd_V1_ClaimReply {
    let isHolder = holder == request.executorID && incarnation == request.incarnation && !isResigned
    if !isHolder, isHeld, ContinuousClock.now < heldUntil, request.executorID < holder {
      return reply(granted: false)
    }
    if !isHolder {
      epoch += 1
      for link in links.values { fence(link, of: link.epoch) }
      ready = leased.keys.sorted() + ready
      leased = [:]
    }
    (holder, incarnation, isHeld, isResigned) = (request.executorID, request.incarnation, true, false)
    heldUntil = .now + Self.lease
    return reply(granted: true)
  }

  func resign(_ request: Ordersd_V1_ResignRequest) {
    guard request.fence.epoch == epoch else { return }
    resignations.append(request.reason)
    (isHeld, isResigned) = (false, true)
    ready = leased.keys.sorted() + ready
    leased = [:]
  }

  func opened(_ open: Ordersd_V1_WorkOpen, _ events: AsyncStream<Ordersd_V1_WorkEvent>.Continuation) -> Int {
    nextLink += 1
    let link = Link(epoch: open.fence.epoch, executor: open.executorID, events: events)
    if open.fence.epoch == epoch {
      links[nextLink] = link
      isHeld = true
      heldUntil = .now + Self.lease
      events.yield(.with { $0.opened = .with { $0.leadershipLeaseMs = 3_000 } })
    } else {
      fence(link, of: open.fence.epoch)
    }
    return nextLink
  }

  func closed(_ number: Int) {
    guard let link = links.removeValue(forKey: number), link.epoch == epoch else { return }
    isHeld = false
  }

  func take(_ command: Ordersd_V1_WorkCommand, from number: Int) {
    guard let link = links[number] else { return }
    guard link.epoch == epoch else { return fence(link, of: link.epoch) }
    switch command.command {
    case .credits(let grant):
      links[number]?.credits += Int(grant.credits)
      push()
    case .ack(let ack):
      acknowledged.append(ack)
      leased[ack.orderID] = nil
      deeds.append(Deed(order: ack.orderID, executor: link.executor, epoch: link.epoch))
      settled(ack.orderID, .done, ack.clock, link)
    case .nack(let nack):
      nacks.append(nack)
      leased[nack.orderID] = nil
      if !nack.permanent { ready.append(nack.orderID) }
      settled(nack.orderID, nack.permanent ? .buried : .ready, nack.clock, link)
      push()
    case .touch(let touch): settled(touch.orderID, .leased, .init(), link)
    case .renew:
      heldUntil = .now + Self.lease
      link.events.yield(.with { $0.renewed = .with { $0.leaseMs = 3_000 } })
    case .open, nil: break
    }
  }

  private func settled(
    _ order: String, _ state: Ordersd_V1_JobState, _ clock: Ordersd_V1_VectorClock, _ link: Link
  ) {
    link.events.yield(
      .with {
        $0.settled = .with {
          $0.orderID = order
          $0.state = state
          $0.clock = clock
        }
      })
  }

  private func push() {
    for (number, link) in links where link.epoch == epoch {
      while (links[number]?.credits ?? 0) > 0, !ready.isEmpty {
        links[number]?.credits -= 1
        let order = ready.removeFirst()
        leased[order] = epoch
        delivered.append(order)
        link.events.yield(
          .with {
            $0.delivery = .with {
              $0.orderID = order
              $0.body = .init(#"{}"#.utf8)
              $0.attempt = 1
              $0.epoch = epoch
              $0.leaseMs = 30_000
              $0.clock.components = ["order-queue": 1]
            }
          })
      }
    }
  }

  private func fence(_ link: Link, of old: UInt64) {
    link.events.yield(
      .with {
        $0.fenced = .with {
          $0.yourEpoch = old
          $0.currentEpoch = epoch
          $0.holder = "executor-\(holder)"
        }
      })
    link.events.finish()
  }

  private func reply(granted: Bool) -> Ordersd_V1_ClaimReply {
    .with {
      $0.granted = granted
      $0.epoch = epoch
      $0.holder = "executor-\(holder)"
      $0.leaseMs = 3_000
    }
  }
}

struct FakeQueueProvider: Ordersd_V1_OrderQueue.SimpleServiceProtocol {
  let queue: FakeQueue

  func claim(request: Ordersd_V1_ClaimRequest, context: ServerContext) async throws -> Ordersd_V1_ClaimReply {
    await queue.claim(request)
  }

  func resign(request: Ordersd_V1_ResignRequest, context: ServerContext) async throws
    -> Ordersd_V1_ResignReply
  {
    await queue.resign(request)
    return .init()
  }

  func work(
    request: RPCAsyncSequence<Ordersd_V1_WorkRequest, any Error>, response: RPCWriter<Ordersd_V1_WorkReply>,
    context: ServerContext
  ) async throws {
    let (events, sender) = AsyncStream<Ordersd_V1_WorkEvent>.makeStream(
      bufferingPolicy: .bufferingOldest(10_000))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await event in events { try await response.write(.with { $0.events = [event] }) }
        throw CancellationError()
      }
      group.addTask {
        var link: Int?
        do {
          for try await message in request {
            for command in message.commands {
              if case .open(let open)? = command.command {
                link = await queue.opened(open, sender)
              } else if let link {
                await queue.take(command, from: link)
              }
            }
          }
        } catch {
          // The client is gone.
        }
        if let link { await queue.closed(link) }
        sender.finish()
      }
      do {
        try await group.waitForAll()
      } catch is CancellationError {
        group.cancelAll()
      }
    }
  }

  // MARK: Not asked by executors

  private func none<Reply>() throws -> Reply { throw RPCError(code: .unimplemented, message: "not here") }

  func enqueue(request: Ordersd_V1_EnqueueRequest, context: ServerContext) async throws
    -> Ordersd_V1_EnqueueReply
  {
    try none()
  }
  func lease(request: Ordersd_V1_LeaseRequest, context: ServerContext) async throws -> Ordersd_V1_LeaseReply {
    try none()
  }
  func touch(request: Ordersd_V1_TouchRequest, context: ServerContext) async throws -> Ordersd_V1_TouchReply {
    try none()
  }
  func ack(request: Ordersd_V1_AckRequest, context: ServerContext) async throws -> Ordersd_V1_AckReply {
    try none()
  }
  func nack(request: Ordersd_V1_NackRequest, context: ServerContext) async throws -> Ordersd_V1_NackReply {
    try none()
  }
  func cancel(request: Ordersd_V1_CancelRequest, context: ServerContext) async throws
    -> Ordersd_V1_CancelReply
  {
    try none()
  }
  func bury(request: Ordersd_V1_BuryRequest, context: ServerContext) async throws -> Ordersd_V1_BuryReply {
    try none()
  }
  func kick(request: Ordersd_V1_KickRequest, context: ServerContext) async throws -> Ordersd_V1_KickReply {
    try none()
  }
  func peek(request: Ordersd_V1_PeekRequest, context: ServerContext) async throws -> Ordersd_V1_PeekReply {
    try none()
  }
  func list(request: Ordersd_V1_ListRequest, context: ServerContext) async throws -> Ordersd_V1_ListReply {
    try none()
  }
  func stats(request: Ordersd_V1_StatsRequest, context: ServerContext) async throws -> Ordersd_V1_StatsReply {
    try none()
  }
  func pause(request: Ordersd_V1_PauseRequest, context: ServerContext) async throws -> Ordersd_V1_PauseReply {
    try none()
  }
  func resume(request: Ordersd_V1_ResumeRequest, context: ServerContext) async throws
    -> Ordersd_V1_ResumeReply
  {
    try none()
  }
  func drain(request: Ordersd_V1_DrainRequest, context: ServerContext) async throws -> Ordersd_V1_DrainReply {
    try none()
  }
  func renew(request: Ordersd_V1_RenewRequest, context: ServerContext) async throws -> Ordersd_V1_RenewReply {
    try none()
  }
  func outcomes(
    request: Ordersd_V1_OutcomesRequest, response: RPCWriter<Ordersd_V1_OutcomeBatch>, context: ServerContext
  ) async throws {
    let _: Void = try none()
  }
  func session(
    request: RPCAsyncSequence<Ordersd_V1_QueueSessionRequest, any Error>,
    response: RPCWriter<Ordersd_V1_QueueSessionReply>, context: ServerContext
  ) async throws {
    let _: Void = try none()
  }
}
