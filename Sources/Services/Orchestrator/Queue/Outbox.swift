import CoreTime
import DaemonKit
import GRPCSupport
import JournalLog
import Logging
import OrderDomain
import OrderProtos
import OrderStore
import OrderWire
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import VectorClock

/// Carries approved orders into the order-queue: event g. The approved orders of the store are its list, so
/// whatever dies in between, each reaches the queue, and the queue takes each once (it is idempotent by
/// OrderID).
///
/// What is approved while it keeps up it gets handed in memory. The store is read at the start, after
/// trouble, and when more is approved than it holds.
final class Outbox: Service, Sendable {
  /// Orders handed over at a time, in one message and one commit.
  private static let page = OrderRepository.page
  /// Approved orders kept in memory.
  private static let memory = 1_024
  private static let deadline = Duration.seconds(2)
  /// From one message to the next, so that orders gather: nobody waits for the handing over, and a message and its
  /// commits cost the queue and the executor the same for one order as for twenty. One that is alone goes at once.
  private static let gathering = Duration.milliseconds(20)
  /// The loop comes round this often also where nothing is approved, so that its heartbeat shows when it does
  /// not.
  private static let period = Duration.seconds(5)
  /// Periods from one offer of orders that the queue refused for good to the next.
  private static let periodsUntilOffer = 6
  /// A period, a call, a pause and a commit.
  private static let longestSilence = period + deadline + .seconds(3) + DurableStore.slowestCommit

  private struct Fresh {
    var orders: [StoredOrder] = []
    /// The store holds approved orders that are not in `orders`.
    var mustRead = true
  }

  private let repository: OrderRepository
  private let queue: QueueSession
  private let news: QueueNews
  private let context: DaemonContext
  private let wakeUps: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  private let trouble = Mutex<String?>(nil)
  private let fresh = Mutex(Fresh())
  /// Approved orders that the queue has not taken yet, about.
  private let backlog = Atomic<Int>(0)
  private let maximumBacklog: Int

  /// `maximumBacklog`: approved orders that may wait before new ones are refused.
  init(
    repository: OrderRepository, queue: QueueSession, news: QueueNews, maximumBacklog: Int,
    context: DaemonContext
  ) {
    self.maximumBacklog = maximumBacklog
    self.repository = repository
    self.queue = queue
    self.news = news
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

  /// One more order was approved, and is durable.
  func orderApproved(_ order: StoredOrder) {
    backlog.add(1, ordering: .relaxed)
    fresh.withLock { fresh in
      if fresh.orders.count < Self.memory { fresh.orders.append(order) } else { fresh.mustRead = true }
    }
    wake.yield()
  }

  /// An approved order in the store is to be withdrawn.
  func withdraw() {
    fresh.withLock { $0.mustRead = true }
    wake.yield()
  }

  /// Why it makes no headway, or what the queue refuses; nil when all is well.
  var problem: String? { trouble.withLock { $0 } }

  func run() async throws {
    let heartbeat = context.heartbeats.register("outbox", longestSilence: Self.longestSilence)
    defer { heartbeat.retire() }
    await cancelWhenGracefulShutdown { [self] in
      await withDiscardingTaskGroup { group in
        group.addTask { [self] in await wakeRegularly() }
        wake.yield()
        for await _ in wakeUps {
          await heartbeat.turn()
          await drain(heartbeat)
        }
        group.cancelAll()
      }
    }
  }

  private func wakeRegularly() async {
    var periods = 0
    while true {
      do { try await Task.sleep(for: Self.period) } catch { return }
      periods = (periods + 1) % Self.periodsUntilOffer
      // Refused orders are offered again now and then: an operator may have mended what was wrong.
      if periods == 0, problem != nil { fresh.withLock { $0.mustRead = true } }
      wake.yield()
    }
  }

  /// Until no approved order is left, or the daemon stops. Waits longer and longer while the queue cannot be
  /// reached.
  private func drain(_ heartbeat: Heartbeat) async {
    var pause = Duration.milliseconds(50)
    while !Task.isCancelled {
      await heartbeat.turn()
      let (orders, mustRead): ([StoredOrder], Bool) = fresh.withLock { fresh in
        // What is read from the store covers what is in memory.
        if fresh.mustRead {
          fresh = Fresh(mustRead: false)
          return ([], true)
        }
        let orders = Array(fresh.orders.prefix(Self.page))
        fresh.orders.removeFirst(orders.count)
        return (orders, false)
      }
      if orders.isEmpty, !mustRead { return }
      do {
        if mustRead {
          try await readAndHandOver(heartbeat)
        } else if let refusal = try await handOver(orders, areRead: false, heartbeat) {
          report(refusal)
        }
        pause = .milliseconds(50)
        // After a full message there are enough for the next one.
        if orders.count < Self.page { try await Task.sleep(for: Self.gathering) }
      } catch is CancellationError {
        return
      } catch {
        fresh.withLock { $0.mustRead = true }
        report(error)
        // Half of it is jitter, so that restarted orchestrators do not come back in step.
        let jittered = pause / 2 + pause / 2 * Double.random(in: 0...1)
        do { try await Task.sleep(for: jittered) } catch { return }
        pause = min(pause * 2, .seconds(2))
      }
    }
  }

  /// Takes all approved orders of the store, page by page: what the queue refuses for good holds nothing up.
  private func readAndHandOver(_ heartbeat: Heartbeat) async throws {
    var refusal: ServiceError?
    // First, because the queue may be down for long, and the limit is to hold from the start.
    try await countBacklog()
    try await repository.eachPage(in: .approved) { page in
      if let problem = try await handOver(page, areRead: true, heartbeat) { refusal = problem }
      await heartbeat.turn()
    }
    // Some were taken over by the outcomes, which do not count here.
    try await countBacklog()
    if let refusal { report(refusal) } else { trouble.withLock { $0 = nil } }
  }

  private func countBacklog() async throws {
    let waiting = try await repository.counts()[OrderState.approved.rawValue] ?? 0
    backlog.store(waiting, ordering: .relaxed)
  }

  private func report(_ error: any Error) {
    let isNew = trouble.withLock { trouble in
      defer { trouble = "\(error)" }
      return trouble == nil
    }
    guard isNew else { return }
    context.logger.tell(
      OrderEvent.waiting, metadata: ["reason": "\(error)"])
  }

  /// Offers orders together; `areRead`: out of the store. Returns why the queue refuses one of them for good,
  /// if it does; throws what concerns them all, once those that were taken are seen to.
  private func handOver(
    _ orders: [StoredOrder], areRead: Bool, _ heartbeat: Heartbeat
  ) async throws -> ServiceError? {
    let process = context.process
    let sent = try orders.filter { $0.cancellation == nil }.map { order in
      let clock = order.clock.ticked(process)
      return (order.id, clock, try message(order, clock))
    }
    let results = await queue.all(sent.map(\.2), within: Self.deadline)
    var taken: [NewsBatch.Taken] = []
    let now = context.clocks.wall()
    var refusal: ServiceError?
    var failure: ServiceError?
    for order in orders where order.cancellation != nil {
      await heartbeat.turn()
      do {
        try await Withdrawal(repository: repository, queue: queue, context: context).carryOut(order)
        backlog.subtract(1, ordering: .relaxed)
      } catch let error as ServiceError {
        if error.isRetryable { failure = error } else { refusal = error }
      }
    }
    for ((id, clock, _), result) in zip(sent, results) {
      do {
        guard case .enqueue(let reply) = try result.get() else { throw ServiceError.mismatch(queue.service) }
        taken.append(
          NewsBatch.Taken(order: id, sent: clock, answered: try VectorClock(reply.clock), at: now))
      } catch let error as ServiceError where error.isRetryable {
        failure = error
      } catch {
        let error = (error as? ServiceError) ?? ServiceError(.internal, "\(error)")
        refusal = ServiceError(error.code, "order \(id): \(error.message)", service: error.service)
      }
    }
    try await write(taken, atOnce: areRead)
    if let failure { throw failure }
    return refusal
  }

  private func message(
    _ order: StoredOrder, _ clock: VectorClock
  ) throws -> Ordersd_V1_QueueCall.OneOf_Call {
    let body = try FulfilmentDocument(order).encoded()
    return .enqueue(
      .with {
        $0.orderID = order.id.description
        $0.clock = clock.message
        $0.priority = UInt32(order.priority.level)
        $0.body = body
        $0.basket = Ordersd_V1_Basket(order.items)
      })
  }

  /// Writes down what the queue has taken. `atOnce`: it is durable when this returns, so that a reading of
  /// the store does not find it once more; otherwise it may wait for what becomes of the orders.
  private func write(_ taken: [NewsBatch.Taken], atOnce: Bool) async throws {
    guard !taken.isEmpty else { return }
    let context = context
    let written: @Sendable (Bool) -> Void = { [weak self] mustWithdraw in
      guard let self else { return }
      if mustWithdraw { withdraw() }
      backlog.subtract(taken.count, ordering: .relaxed)
      context.logger.debug("Orders queued.", metadata: ["orders": "\(taken.count)"])
    }
    if !atOnce, news.put(taken, written: written) { return }
    written(
      try await repository.commit { writer in try NewsBatch(taken: taken).write(with: &writer, context) })
  }
}
