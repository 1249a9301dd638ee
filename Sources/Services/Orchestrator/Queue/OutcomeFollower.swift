import CheckoutFlow
import CoreTime
import DaemonKit
import GRDB
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
import VectorClock

/// Follows what becomes of the orders in the queue, from a durable cursor on: each outcome is applied once, in the same
/// transaction that moves the cursor.
final class OutcomeFollower: Service, Sendable {
  static let cursor = "order-queue-outcomes"
  /// A batch is one transaction, behind another one.
  private static let longestSilence = DurableStore.slowestCommit * 2

  private let repository: OrderRepository
  private let queue: Peer
  private let context: DaemonContext
  private let connected = Mutex(false)
  /// What keeps outcomes from being taken over for good; it takes an operator.
  private let trouble = Mutex<String?>(nil)

  init(repository: OrderRepository, queue: Peer, context: DaemonContext) {
    self.repository = repository
    self.queue = queue
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
          historyIsLost(ServiceError(error, service: queue.service))
          pause = Self.longPause
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

  /// The queue does not know of outcomes that were applied here: its database is not the one that told of them.
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
      defer { heartbeat.idle() }
      try await self.apply(outcomes)
    }
  }

  private func apply(_ outcomes: [Ordersd_V1_Outcome]) async throws {
    guard let last = outcomes.last?.sequence else { return }
    let context = context
    try await repository.commit { writer in
      // A batch that was applied before the stream broke comes again.
      let applied = try CursorTable.value(Self.cursor, writer.db)
      // Several outcomes of one order become one change of it.
      var changed: [OrderID: (order: StoredOrder, entries: [TimelineEntry])] = [:]
      for outcome in outcomes where outcome.sequence > applied {
        guard let id = OrderID(outcome.orderID), let known = try changed[id]?.order ?? writer.load(id) else {
          context.logger.warning(
            "The queue tells of an order that is not known here.",
            metadata: [
              "order_id": "\(outcome.orderID.prefix(64))"
            ])
          continue
        }
        guard let (order, entries) = Self.apply(outcome, to: known, context) else { continue }
        changed[id] = (order, (changed[id]?.entries ?? []) + entries)
      }
      for (_, change) in changed.sorted(by: { $0.key < $1.key }) {
        try writer.update(change.order, change.entries)
      }
      try CursorTable.set(Self.cursor, max(last, applied), writer.db)
    }
  }

  /// Nil for what changes nothing.
  private static func apply(
    _ outcome: Ordersd_V1_Outcome, to stored: StoredOrder, _ context: DaemonContext
  ) -> (StoredOrder, [TimelineEntry])? {
    var order = stored
    guard let target = state(of: outcome.kind) else {
      context.logger.warning(
        "The queue tells of an outcome that this version does not know.",
        metadata: [
          "order_id": "\(order.id)", "kind": "\(outcome.kind.rawValue)",
        ])
      return nil
    }
    let clock: VectorClock
    do {
      clock = try VectorClock(outcome.clock)
    } catch {
      context.logger.error(
        "The queue tells of an outcome with a clock beyond the limits.",
        metadata: [
          "order_id": "\(order.id)", "sequence": "\(outcome.sequence)", "reason": "\(error)",
        ])
      return nil
    }
    let time = Timestamp(milliseconds: outcome.atMs)
    var entries: [TimelineEntry] = []
    do {
      for step in path(from: order.state, to: target) {
        let actor = step == .executed || step == .failed ? outcome.executor : "order-queue"
        let event =
          order.state == .approved ? EventTable.checkout.events.first { $0.kind == .handoff }?.id : nil
        entries.append(
          try order.become(
            step, actor: actor.isEmpty ? "order-queue" : actor, event: event,
            reason: outcome.reason.isEmpty ? nil : outcome.reason, clock: clock, at: time))
      }
    } catch {
      // Never guessed around: the order stays as it is, and the story is told.
      context.logger.tell(
        OrderEvent.outcomeImpossible,
        metadata: [
          "order_id": "\(order.id)", "reason": "\(error)", "sequence": "\(outcome.sequence)",
        ])
      return nil
    }
    order.clock.receive(clock, at: context.process)
    order.reason = outcome.reason.isEmpty ? nil : outcome.reason
    if !outcome.executor.isEmpty {
      order.execution = .init(
        executor: outcome.executor, epoch: outcome.epoch, attempt: Int(clamping: outcome.attempt))
    }
    if order.state.isSettled {
      context.logger.tell(
        OrderEvent.settled,
        metadata: [
          "order_id": "\(order.id)", "state": "\(order.state.rawValue)", "executor": "\(outcome.executor)",
          "epoch": "\(outcome.epoch)", "vector_clock": "\(order.clock)",
        ])
    }
    return (order, entries)
  }

  /// The states on the way. What the queue tells of an order proves that it was queued, even before the outbox's own
  /// commit; an executor that acknowledges late, after its lease ran out, has executed it.
  private static func path(from state: OrderState, to target: OrderState) -> [OrderState] {
    switch (state, target) {
    case (let state, target) where state == target: []
    case (.approved, .queued): [.queued]
    case (.approved, .executed), (.approved, .failed): [.queued, .executing, target]
    case (.approved, _): [.queued, target]
    case (.queued, .executed): [.executing, .executed]
    default: [target]
    }
  }

  private static func state(of kind: Ordersd_V1_Outcome.Kind) -> OrderState? {
    switch kind {
    case .executing: .executing
    case .returned, .kicked: .queued
    case .executed: .executed
    case .failed: .failed
    case .cancelled: .cancelled
    case .expired: .expired
    case .unspecified, .UNRECOGNIZED: nil
    }
  }
}
