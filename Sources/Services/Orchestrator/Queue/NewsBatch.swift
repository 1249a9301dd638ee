import CheckoutFlow
import CoreTime
import DaemonKit
import JournalLog
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// What the order-queue has said of some orders: that it took them, and what became of them. One transaction
/// writes it down, together with the cursor up to which outcomes were applied. Written twice, it is the same
/// as written once.
struct NewsBatch: Sendable {
  /// The queue's answer to an order that was handed over.
  struct Taken: Sendable {
    let order: OrderID
    /// The clock that the order was sent with, and the one that came back.
    let sent: VectorClock
    let answered: VectorClock
    let at: Timestamp
  }

  private typealias Changes = [OrderID: (order: StoredOrder, entries: [TimelineEntry])]

  /// Orders, each once.
  var taken: [Taken] = []
  /// In the order in which the queue tells of them.
  var outcomes: [Ordersd_V1_Outcome] = []
  /// Orders as the queue has them, where it has forgotten what became of them before; without a sequence.
  var found: [Ordersd_V1_Outcome] = []

  var isEmpty: Bool { taken.isEmpty && outcomes.isEmpty && found.isEmpty }

  /// All steps of an order become one change of it. Returns whether an order that the queue took is to be
  /// withdrawn.
  func write(with writer: inout OrderWriter, _ context: DaemonContext) throws -> Bool {
    var changes: Changes = [:]
    var mustWithdraw = false
    // First, because the queue takes an order before anything becomes of it.
    for news in taken {
      guard var order = try writer.load(news.order) else { continue }
      let entries = try Self.apply(news, to: &order, &mustWithdraw, process: context.process)
      changes[news.order] = (order, entries)
    }
    for outcome in found { try apply(outcome, &changes, &writer, context) }
    try apply(outcomes, &changes, &writer, context)
    for (_, change) in changes.sorted(by: { $0.key < $1.key }) {
      try writer.update(change.order, change.entries)
    }
    return mustWithdraw
  }

  // MARK: The hand-over

  private static let handOff = EventTable.checkout.events.first { $0.kind == .handoff }?.id

  private static func apply(
    _ news: Taken, to order: inout StoredOrder, _ mustWithdraw: inout Bool, process: String
  ) throws -> [TimelineEntry] {
    order.clock.merge(news.sent)
    order.clock.receive(news.answered, at: process)
    // An outcome may have told of it first.
    guard order.state == .approved else { return [] }
    // Cancelled meanwhile: it stays in the store's list until the queue has said what becomes of it.
    guard order.cancellation == nil else {
      mustWithdraw = true
      return []
    }
    return [
      TimelineEntry(
        at: news.at, actor: "order-queue", event: handOff, state: EventResult.Outcome.passed.rawValue,
        clock: news.answered),
      try order.become(.queued, actor: process, clock: order.clock, at: news.at),
    ]
  }

  /// The clock under which the queue took an order, where its answer is overtaken by an outcome with `clock`:
  /// what the order was sent with, and the queue's first tick. It comes before `clock`, as what it stands for
  /// does; so does what is left without that tick, where a cancel has changed the order since it was sent.
  static func handOver(of order: StoredOrder, before clock: VectorClock, process: String) -> VectorClock {
    let sent = order.clock.ticked(process)
    return [sent.ticked("order-queue"), sent, order.clock].first { $0.happenedBefore(clock) } ?? clock
  }

  // MARK: Outcomes

  private func apply(
    _ outcomes: [Ordersd_V1_Outcome], _ changes: inout Changes, _ writer: inout OrderWriter,
    _ context: DaemonContext
  ) throws {
    guard !outcomes.isEmpty else { return }
    // What was applied before the stream broke comes again.
    let before = try CursorTable.value(OutcomeFollower.cursor, writer.db)
    var applied = before
    for outcome in outcomes where outcome.sequence > applied {
      applied = outcome.sequence
      try apply(outcome, &changes, &writer, context)
    }
    if applied > before { try CursorTable.set(OutcomeFollower.cursor, applied, writer.db) }
  }

  private func apply(
    _ outcome: Ordersd_V1_Outcome, _ changes: inout Changes, _ writer: inout OrderWriter,
    _ context: DaemonContext
  ) throws {
    guard let id = OrderID(outcome.orderID), let known = try changes[id]?.order ?? writer.load(id) else {
      context.logger.warning(
        "The queue tells of an order that is not known here.",
        metadata: ["order_id": "\(outcome.orderID.prefix(64))"])
      return
    }
    guard let (order, entries) = Self.apply(outcome, to: known, context) else { return }
    changes[id] = (order, (changes[id]?.entries ?? []) + entries)
  }

  /// Nil for what changes nothing.
  private static func apply(
    _ outcome: Ordersd_V1_Outcome, to stored: StoredOrder, _ context: DaemonContext
  ) -> (StoredOrder, [TimelineEntry])? {
    var order = stored
    guard let target = state(of: outcome.kind) else {
      context.logger.warning(
        "The queue tells of an outcome that this version does not know.",
        metadata: ["order_id": "\(order.id)", "kind": "\(outcome.kind.rawValue)"])
      return nil
    }
    let clock: VectorClock
    do {
      clock = try VectorClock(outcome.clock)
    } catch {
      context.logger.error(
        "The queue tells of an outcome with a clock beyond the limits.",
        metadata: ["order_id": "\(order.id)", "sequence": "\(outcome.sequence)", "reason": "\(error)"])
      return nil
    }
    let entries: [TimelineEntry]
    do {
      entries = try take(outcome, target, clock, &order, process: context.process)
    } catch {
      // Never guessed around: the order stays as it is, and the story is told.
      context.logger.tell(
        OrderEvent.outcomeImpossible,
        metadata: ["order_id": "\(order.id)", "reason": "\(error)", "sequence": "\(outcome.sequence)"])
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

  /// Takes `order` to `target`; throws `InvalidTransition` where the states have no such way.
  private static func take(
    _ outcome: Ordersd_V1_Outcome, _ target: OrderState, _ clock: VectorClock, _ order: inout StoredOrder,
    process: String
  ) throws -> [TimelineEntry] {
    let time = Timestamp(milliseconds: outcome.atMs)
    var entries: [TimelineEntry] = []
    for step in path(from: order.state, to: target) {
      let actor = step == .executed || step == .failed ? outcome.executor : "order-queue"
      let isHandOver = order.state == .approved
      entries.append(
        try order.become(
          step, actor: actor.isEmpty ? "order-queue" : actor, event: isHandOver ? handOff : nil,
          reason: outcome.reason.isEmpty ? nil : outcome.reason,
          clock: isHandOver && step != target ? handOver(of: order, before: clock, process: process) : clock,
          at: time))
    }
    return entries
  }

  /// The states on the way. What the queue tells of an order proves that it was queued, even before its
  /// answer to the outbox is written down; an executor that acknowledges late, after its lease ran out, has
  /// executed it.
  private static func path(from state: OrderState, to target: OrderState) -> [OrderState] {
    switch (state, target) {
    case (let state, target) where state == target: []
    case (.approved, .queued): [.queued]
    case (.approved, .executed), (.approved, .failed): [.queued, .executing, target]
    case (.approved, _): [.queued, target]
    case (.queued, .executed): [.executing, .executed]
    // What came between was missed.
    case (.failed, .executed): [.queued, .executing, .executed]
    case (.failed, .executing), (.failed, .expired), (.executing, .cancelled), (.executing, .expired):
      [.queued, target]
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
