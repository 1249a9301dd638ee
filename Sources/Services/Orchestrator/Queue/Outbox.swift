import CheckoutFlow
import CoreTime
import DaemonKit
import GRPCSupport
import Logging
import OrderDomain
import OrderProtos
import OrderStore
import OrderWire
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import VectorClock

/// Carries approved orders into the order-queue: event g. The approved orders of the store are its list, so whatever
/// dies in between, each reaches the queue, and the queue takes each once (it is idempotent by OrderID).
final class Outbox: Service, Sendable {
  /// Orders handed over at a time.
  private static let parallel = 16
  /// Orders read at a time.
  private static let page = 256

  private let repository: OrderRepository
  private let queue: Peer
  private let context: DaemonContext
  private let wakeUps: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  private let trouble = Mutex<String?>(nil)
  /// Approved orders that the queue has not taken yet, about: never less than there are for longer than one drain.
  private let backlog = Atomic<Int>(0)
  private let maximumBacklog: Int

  /// `maximumBacklog`: approved orders that may wait before new ones are refused.
  init(repository: OrderRepository, queue: Peer, maximumBacklog: Int, context: DaemonContext) {
    self.maximumBacklog = maximumBacklog
    self.repository = repository
    self.queue = queue
    self.context = context
    (wakeUps, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Throws `overloaded` when so many approved orders wait that no new one should be taken.
  func requireRoom() throws {
    guard backlog.load(ordering: .relaxed) >= maximumBacklog else { return }
    throw ServiceError(
      .overloaded, "\(maximumBacklog) approved orders wait for the order-queue; that is the limit",
      service: queue.service, retryAfter: .seconds(5))
  }

  /// One more order was approved.
  func orderApproved() {
    backlog.add(1, ordering: .relaxed)
    wake.yield()
  }

  /// Why it makes no headway; nil when it does.
  var problem: String? { trouble.withLock { $0 } }

  func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      backlog.store(await waitingAtStart(), ordering: .relaxed)
      wake.yield()
      for await _ in wakeUps { await drain() }
    }
  }

  private func waitingAtStart() async -> Int {
    do {
      return try await repository.counts()[OrderState.approved.rawValue] ?? 0
    } catch {
      report(error)
      return 0
    }
  }

  /// Until no approved order is left, or the daemon stops. Waits longer and longer while the queue refuses.
  private func drain() async {
    var pause = Duration.milliseconds(50)
    while !Task.isCancelled {
      do {
        let before = backlog.load(ordering: .relaxed)
        let waiting = try await repository.store.read { db in
          try OrderTable.oldest(in: .approved, after: nil, limit: Self.page, db)
        }
        if waiting.isEmpty {
          // Some were taken over by the outcomes, which do not count here.
          backlog.subtract(before, ordering: .relaxed)
          trouble.withLock { $0 = nil }
          return
        }
        try await handOver(waiting)
        pause = .milliseconds(50)
        trouble.withLock { $0 = nil }
      } catch is CancellationError {
        return
      } catch {
        report(error)
        // Half of it is jitter, so that restarted orchestrators do not come back in step.
        let jittered = pause / 2 + pause / 2 * Double.random(in: 0...1)
        try? await Task.sleep(for: jittered)
        pause = min(pause * 2, .seconds(2))
      }
    }
  }

  private func report(_ error: any Error) {
    let isNew = trouble.withLock { trouble in
      defer { trouble = "\(error)" }
      return trouble == nil
    }
    guard isNew else { return }
    context.logger.warning(
      "Approved orders wait: the order-queue does not take them.",
      metadata: [
        "reason": "\(error)"
      ])
  }

  private func handOver(_ orders: [StoredOrder]) async throws {
    try await withThrowingTaskGroup(of: ServiceError?.self) { group in
      var rest = orders[...]
      for order in rest.prefix(Self.parallel) { group.addTask { try await self.offer(order) } }
      rest = rest.dropFirst(Self.parallel)
      var refusal: ServiceError?
      while let outcome = try await group.next() {
        refusal = refusal ?? outcome
        if let order = rest.popFirst() { group.addTask { try await self.offer(order) } }
      }
      if let refusal { throw refusal }
    }
  }

  /// Returns why the queue refuses this very order, which must not hold up the others. Throws what concerns them all.
  private func offer(_ order: StoredOrder) async throws -> ServiceError? {
    do {
      try await enqueue(order)
      return nil
    } catch let error as ServiceError where !error.isRetryable {
      return ServiceError(error.code, "order \(order.id): \(error.message)", service: error.service)
    }
  }

  private func enqueue(_ order: StoredOrder) async throws {
    let sent = order.clock.ticked(context.process)
    let body = try FulfilmentDocument(order).encoded()
    let request = Ordersd_V1_EnqueueRequest.with {
      $0.orderID = order.id.description
      $0.clock = sent.message
      $0.priority = UInt32(order.priority.level)
      $0.body = body
    }
    let reply = try await queue.call(deadline: .seconds(2)) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).enqueue(request, options: options)
    }
    backlog.subtract(1, ordering: .relaxed)
    let queueClock = try VectorClock(reply.clock)
    let process = context.process
    let time = context.clocks.wall()
    let event = EventTable.checkout.events.first { $0.kind == .handoff }?.id
    _ = try await repository.change(order.id) { stored in
      stored.clock.merge(sent)
      stored.clock.receive(queueClock, at: process)
      // An outcome may have told of it first.
      guard stored.state == .approved else { return [] }
      return [
        TimelineEntry(
          at: time, actor: "order-queue", event: event, state: EventResult.Outcome.passed.rawValue,
          clock: queueClock),
        try stored.become(.queued, actor: process, clock: stored.clock, at: time),
      ]
    }
    context.logger.debug(
      "Order queued.", metadata: ["order_id": "\(order.id)", "priority": "\(order.priority.level)"])
  }
}
