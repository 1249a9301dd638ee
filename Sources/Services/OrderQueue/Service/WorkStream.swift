import GRPCCore
import OrderDomain
import OrderProtos
import OrderWire
import PriorityQueue
import SwiftProtobuf
import Synchronization
import VectorClock

extension OrderQueueProvider {
  /// Messages of which an answer is not written before the stream's reader takes no more; deliveries are bounded by
  /// credits.
  private static let messagesInFlight = 16

  func work(
    request: RPCAsyncSequence<Ordersd_V1_WorkRequest, any Error>, response: RPCWriter<Ordersd_V1_WorkReply>,
    context: ServerContext
  ) async throws {
    let pipe = Pipe<WorkLink.Item>(limit: Self.messagesInFlight)
    let opened = Slot<WorkLink>()
    let result: Result<Void, any Error>
    do {
      try await exchange(pipe: pipe) {
        try await readWork(request, pipe: pipe, opened: opened)
      } write: {
        try await writeWork(response, pipe: pipe, opened: opened)
      }
      result = .success(())
    } catch {
      result = .failure(error)
    }
    // However it ended: the leadership that hung on it is over.
    if let link = opened.value.withLock({ $0 }) { await engine.closeWork(link) }
    try result.get()
  }

  private func readWork(
    _ request: RPCAsyncSequence<Ordersd_V1_WorkRequest, any Error>, pipe: Pipe<WorkLink.Item>,
    opened: Slot<WorkLink>
  ) async throws {
    var link: WorkLink?
    let places = Places(Self.messagesInFlight)
    for try await message in request {
      try limitFrame(message.commands.count)
      var commands = message.commands[...]
      if link == nil {
        guard case .open(let open) = commands.popFirst()?.command else {
          throw ServiceError(.invalidArgument, "the first command of a work stream must be open")
        }
        guard let new = try await openWork(open, pipe: pipe) else { return }
        opened.value.withLock { $0 = new }
        link = new
      }
      guard let link else { return }
      let rest = commands
      let answers = WorkAnswers(pipe) { places.leave() }
      guard await places.enter() else { return }
      try await engine.together { engine in
        Result { for command in rest { try take(command, link, answers, on: engine) } }
      }.get()
      answers.complete()
    }
    await places.waitUntilEmpty()
  }

  /// Nil when the fence is not the current one; then the stream's last event says so.
  private func openWork(_ open: Ordersd_V1_WorkOpen, pipe: Pipe<WorkLink.Item>) async throws -> WorkLink? {
    let pending = await engine.openWork(
      try LeaderFence(open.fence), executor: try executorID(open.executorID), incarnation: open.incarnation,
      lease: try leaseLength(open.leaseMs, default: engine.configuration.lease),
      held: try open.hasHeld ? heldOrders(open.held) : nil, pipe: pipe)
    do {
      return try await pending.value
    } catch let error as FencedError {
      pipe.push(.fenced(error.fence))
      return nil
    } catch {
      throw ServiceError(answer: error)
    }
  }

  private func heldOrders(_ message: Ordersd_V1_HeldOrders) throws -> Set<OrderID> {
    guard message.orderIds.count <= QueueLimit.held else {
      throw ServiceError(
        .invalidArgument,
        "held: must name at most \(QueueLimit.held) orders, not \(message.orderIds.count); leave it out instead"
      )
    }
    return Set(try message.orderIds.map { try OrderID(wire: $0) })
  }

  private func take(
    _ command: Ordersd_V1_WorkCommand, _ link: WorkLink, _ answers: WorkAnswers,
    on engine: isolated QueueEngine
  ) throws {
    switch command.command {
    case .open: throw ServiceError(.invalidArgument, "open: only once, as the first command")
    case .credits(let grant):
      guard engine.grant(Int(grant.credits), to: link) else {
        throw ServiceError(.invalidArgument, "credits: at most \(QueueLimit.credits) may be outstanding")
      }
    case .touch(let request):
      let id = try OrderID(wire: request.orderID)
      let pending = answer {
        engine.touch(
          try fence(request.hasFence ? request.fence : nil, link), id,
          duration: try leaseLength(request.leaseMs, default: link.lease))
      }
      answers.add(pending) { .of($0) { .touched(id, $0.map { _ in }) } }
    case .ack(let request):
      let id = try OrderID(wire: request.orderID)
      let pending = answer {
        engine.ack(
          try fence(request.hasFence ? request.fence : nil, link), id,
          clock: VectorClock(leader: request.clock),
          note: try shortText(request.note, "note"))
      }
      answers.add(pending) { .of($0) { .settled(id, $0) } }
    case .nack(let request):
      let id = try OrderID(wire: request.orderID)
      let pending = answer {
        engine.nack(
          try fence(request.hasFence ? request.fence : nil, link), id,
          clock: VectorClock(leader: request.clock),
          reason: try shortText(request.reason, "reason"), how: try QueueEngine.Return(request))
      }
      answers.add(pending) { .of($0) { .settled(id, $0) } }
    case .renew(let request):
      let pending = engine.renew(try fence(request.hasFence ? request.fence : nil, link))
      answers.add(pending) { result in
        do {
          return .answer(.renewed(try result.get()))
        } catch let error as FencedError {
          return .answer(.fenced(error.fence))
        } catch {
          // No promise about the leadership can be made, and no event could say so.
          return .failure(ServiceError(answer: error))
        }
      }
    case nil:
      throw ServiceError(
        .invalidArgument, "command: one of open, credits, touch, ack, nack, renew must be set")
    }
  }

  /// What is wrong with a command about an order is the answer to it, and no reason to end the stream.
  private func answer<Value>(_ call: () throws -> Pending<Value>) -> Pending<Value> {
    do { return try call() } catch { return .failure(error) }
  }

  /// A command may leave its fence out: the stream's own.
  private func fence(_ message: Ordersd_V1_Fence?, _ link: WorkLink) throws -> LeaderFence {
    try message.map(LeaderFence.init) ?? LeaderFence(lane: link.leader.lane, epoch: link.leader.epoch)
  }

  private func writeWork(
    _ response: RPCWriter<Ordersd_V1_WorkReply>, pipe: Pipe<WorkLink.Item>, opened: Slot<WorkLink>
  ) async throws {
    while let batch = await pipe.next(atMost: 1) {
      for item in batch {
        let events = try events(of: item)
        try await response.write(.with { $0.events = events })
        switch item {
        case .deliveries(let deliveries): opened.value.withLock { $0 }?.sent(deliveries.count)
        case .answers(_, let written): written?()
        case .opened, .fenced, .failed: break
        }
        // Nothing comes after a fence.
        if events.contains(where: { if case .fenced = $0.event { true } else { false } }) { return }
      }
    }
  }

  private func events(of item: WorkLink.Item) throws -> [Ordersd_V1_WorkEvent] {
    switch item {
    case .opened(let lease): [.with { $0.opened = .with { $0.leadershipLeaseMs = milliseconds(lease) } }]
    case .deliveries(let deliveries): deliveries.map { delivery in .with { $0.delivery = delivery.message } }
    case .answers(let answers, _): answers.map(\.event)
    case .fenced(let fence): [.with { $0.fenced = fence.message }]
    case .failed(let error): throw error
    }
  }
}
