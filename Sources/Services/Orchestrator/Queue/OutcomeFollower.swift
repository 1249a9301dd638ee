import CoreTime
import DaemonKit
import GRPCCore
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

/// Follows what becomes of the orders in the queue, from a durable cursor on: `QueueNews` applies each
/// outcome once, in the same transaction that moves the cursor.
final class OutcomeFollower: Service, Sendable {
  static let cursor = "order-queue-outcomes"
  /// As long as the store's neighbours have.
  private static let longestSilence = DurableStore.slowestCommit * 2
  /// For the queue's answer about a page of orders.
  private static let deadline = Duration.seconds(2)

  private let repository: OrderRepository
  private let queue: Peer
  private let session: QueueSession
  private let news: QueueNews
  private let context: DaemonContext
  private let connected = Mutex(false)
  /// What keeps outcomes from being taken over for good; it takes an operator.
  private let trouble = Mutex<String?>(nil)

  init(
    repository: OrderRepository, queue: Peer, session: QueueSession, news: QueueNews, context: DaemonContext
  ) {
    self.repository = repository
    self.queue = queue
    self.session = session
    self.news = news
    self.context = context
  }

  /// Whether the stream is open.
  var isConnected: Bool { connected.withLock { $0 } }

  var problem: String? { trouble.withLock { $0 } }

  func run() async throws {
    // It turns while it takes outcomes over; how long it waits for them is up to the queue.
    let heartbeat = context.heartbeats.register(
      "outcome-follower", longestSilence: Self.longestSilence, idle: true)
    defer { heartbeat.retire() }
    await cancelWhenGracefulShutdown { [self] in
      var pause = Duration.milliseconds(50)
      while !Task.isCancelled {
        do {
          if try await follow(heartbeat) { pause = .milliseconds(50) }
          // The queue ended it, as it does when it stops.
          connected.withLock { $0 = false }
        } catch is CancellationError {
          return
        } catch let error as RPCError where ServiceError(error, service: queue.service).code == .conflict {
          connected.withLock { $0 = false }
          let error = ServiceError(error, service: queue.service)
          do {
            if try await catchUp(after: error, heartbeat) { continue }
            historyIsLost(error)
            pause = Self.longPause
          } catch {
            context.logger.debug(
              "The queue could not be asked for its orders.", metadata: ["reason": "\(error)"])
          }
        } catch {
          let wasConnected = connected.withLock { connected in
            defer { connected = false }
            return connected
          }
          if wasConnected {
            context.logger.tell(
              OrderEvent.outcomesBroke,
              metadata: [
                "reason": "\(error)"
              ])
            pause = .milliseconds(50)
          }
        }
        try? await Task.sleep(for: pause / 2 + pause / 2 * Double.random(in: 0...1))
        pause = min(pause * 2, trouble.withLock { $0 } == nil ? .seconds(1) : Self.longPause)
      }
    }
  }

  private static let longPause = Duration.seconds(10)

  /// The queue has forgotten outcomes that were not read in time. What they came to is asked of it, order by order, and
  /// the reading goes on behind them. False where that is not what `error` says.
  private func catchUp(after error: ServiceError, _ heartbeat: Heartbeat) async throws -> Bool {
    let cursor = try await repository.store.read { db in try CursorTable.value(Self.cursor, db) }
    guard let oldest = error.details["oldest"].flatMap(UInt64.init), oldest > cursor + 1 else { return false }
    // It waits for outcomes afterwards, for as long as none come.
    defer { heartbeat.idle() }
    var counts = (asked: 0, unknown: 0)
    for state in [OrderState.approved, .queued, .executing, .failed] {
      try await repository.eachPage(in: state) { page in
        await heartbeat.turn()
        let unknown = try await ask(page)
        counts = (counts.asked + page.count, counts.unknown + unknown)
      }
    }
    try await repository.store.commit { db in try CursorTable.set(Self.cursor, oldest - 1, db) }
    context.logger.warning(
      "Outcomes were forgotten by the order-queue before they were read; the orders were asked for one by one.",
      metadata: [
        "cursor": "\(cursor)", "oldest": "\(oldest)", "orders": "\(counts.asked)",
        "unknown_orders": "\(counts.unknown)",
      ])
    return true
  }

  /// Writes down what the queue has of these orders. Returns how many it does not know: those that it has forgotten,
  /// and approved ones that it was not given yet. Throws when it does not answer for one.
  private func ask(_ orders: [StoredOrder]) async throws -> Int {
    let calls = orders.map { order in
      Ordersd_V1_QueueCall.OneOf_Call.peek(.with { $0.orderID = order.id.description })
    }
    let now = context.clocks.wall()
    var batch = NewsBatch()
    var unknown = 0
    for (order, result) in zip(orders, await session.all(calls, within: Self.deadline)) {
      do {
        guard case .peek(let reply) = try result.get() else { throw ServiceError.mismatch(queue.service) }
        if OrderState(reply.job.state) != order.state { batch.found.append(.init(reply.job, at: now)) }
      } catch let error as ServiceError where error.code == .notFound {
        unknown += 1
      }
    }
    if batch.isEmpty { return unknown }
    let (found, context) = (batch, context)
    _ = try await repository.commit { writer in try found.write(with: &writer, context) }
    return unknown
  }

  /// The queue does not know of outcomes that were applied here: its database is not the one that told of
  /// them.
  private func historyIsLost(_ error: ServiceError) {
    let isNew = trouble.withLock { trouble in
      defer { trouble = "order-queue has lost its history: \(error.message)" }
      return trouble == nil
    }
    guard isNew else { return }
    context.logger.tell(
      OrderEvent.historyLost,
      metadata: [
        "reason": "\(error.message)", "cursor": "\(Self.cursor)",
      ])
  }

  /// Takes one stream to its end. True when anything came.
  private func follow(_ heartbeat: Heartbeat) async throws -> Bool {
    let after = try await repository.store.read { db in try CursorTable.value(Self.cursor, db) }
    return try await queue.followOutcomes(after: after) {
      self.connected.withLock { $0 = true }
    } take: { outcomes in
      self.trouble.withLock { $0 = nil }
      await heartbeat.turn()
      // To wait for room is no standstill of this loop: the one that makes it has a heartbeat of its own.
      heartbeat.idle()
      try await self.news.put(outcomes)
    }
  }
}

extension Ordersd_V1_Outcome {
  /// What the state of an order in the queue means for whoever missed how it came to it.
  fileprivate init(_ job: Ordersd_V1_Job, at time: Timestamp) {
    self = .with {
      $0.orderID = job.orderID
      $0.kind = Kind(job.state)
      $0.clock = job.clock
      $0.atMs = time.milliseconds
      $0.executor = job.holder
      $0.epoch = job.epoch
      $0.attempt = job.attempts
      $0.reason = job.reason
    }
  }
}

extension Ordersd_V1_Outcome.Kind {
  fileprivate init(_ state: Ordersd_V1_JobState) {
    self =
      switch state {
      case .ready, .delayed: .returned
      case .leased: .executing
      case .done: .executed
      case .buried: .failed
      case .cancelled: .cancelled
      case .expired: .expired
      case .unspecified, .UNRECOGNIZED: .unspecified
      }
  }
}
