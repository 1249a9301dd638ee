import CoreTime
import DaemonKit
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// One leadership under one epoch: the work stream, what runs, and the time for which it may trust itself.
///
/// The executions outlive a broken stream: while the trust window lasts and the queue confirms the same
/// epoch, the office goes on with a new stream and nothing runs twice.
actor Office {
  /// Why it is over.
  enum Ending: Sendable, Hashable {
    /// Everything is finished or handed back.
    case drained
    /// The queue has a newer epoch. 0 and empty where the queue didn't say.
    case fenced(current: UInt64, holder: String)
    /// The queue could not be reached for as long as the leadership could be trusted.
    case unreachable
  }

  /// An outcome that the queue has not confirmed yet.
  struct Pending {
    var command: Ordersd_V1_WorkCommand.OneOf_Command
    var outcome: Outcome
    var attempt: UInt32
    var reason: String
    /// Set when the queue asked to try again.
    var sendAgainAt: Instant?
  }

  /// What an office is made of, the same for all of one executor.
  struct Tools: Sendable {
    let process: String
    let queue: QueueClient
    let fulfilment: any Fulfilment
    let ledger: ExecutorLedger
    let credits: Int
    let clocks: Clocks
    let logger: Logger
  }

  static let keeperPeriod = Duration.milliseconds(50)

  nonisolated let epoch: UInt64
  let term: UInt64
  let tools: Tools
  var trust: TrustWindow
  var outbox: CommandOutbox?
  var running: Set<OrderID> = []
  var pending: [OrderID: Pending] = [:]
  /// Credits that the queue has and has not used.
  var granted = 0
  var drainUntil: Instant?
  private(set) var ending: Ending?
  private let deliveries: AsyncStream<Ordersd_V1_Delivery>
  let delivered: AsyncStream<Ordersd_V1_Delivery>.Continuation

  init(epoch: UInt64, term: UInt64, trust: TrustWindow, tools: Tools) {
    self.epoch = epoch
    self.term = term
    self.trust = trust
    self.tools = tools
    // Never more than the credits, which the queue is not allowed to exceed.
    (deliveries, delivered) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(tools.credits))
  }

  /// Leads until it is over. `nil` when the task was cancelled: then the epoch is still to be given back.
  func serve() async -> Ending? {
    await withDiscardingTaskGroup { group in
      group.addTask { await self.keepStream() }
      group.addTask { await self.keepTrust() }
      for await delivery in deliveries {
        group.addTask { await self.execute(delivery) }
      }
      group.cancelAll()
    }
    return ending
  }

  /// Leases no more; ends as `.drained` when nothing is held, at the latest at `deadline`.
  func drain(until deadline: Instant) {
    drainUntil = min(drainUntil ?? deadline, deadline)
    endIfDrained()
  }

  func end(_ why: Ending) {
    guard ending == nil else { return }
    ending = why
    delivered.finish()
    if case .fenced(let current, let holder) = why { reportRefusals(current: current, holder: holder) }
  }

  func endIfDrained() {
    guard drainUntil != nil, running.isEmpty, pending.isEmpty else { return }
    end(.drained)
  }

  var mayAct: Bool { ending == nil && !Task.isCancelled && trust.isTrusted(at: tools.clocks.now()) }

  // MARK: Trust

  /// Renews in time, and ends the office when the time has run out.
  private func keepTrust() async {
    while ending == nil, !Task.isCancelled {
      let now = tools.clocks.now()
      if !trust.isTrusted(at: now) { return end(.unreachable) }
      if let drainUntil, now >= drainUntil { return end(.drained) }
      endIfDrained()
      if let outbox, trust.isRenewalDue(at: now) {
        trust.renewalSent(at: now)
        outbox.append(.renew(.with { $0.fence = tools.queue.fence(epoch) }))
      }
      sendAgain(now)
      // Ends early only by cancellation, which the loop's condition sees.
      try? await Task.sleep(for: Self.keeperPeriod)
    }
  }

  private func sendAgain(_ now: Instant) {
    guard let outbox else { return }
    for (order, waiting) in pending {
      guard let at = waiting.sendAgainAt, now >= at else { continue }
      pending[order]?.sendAgainAt = nil
      outbox.append(waiting.command)
    }
  }

  private func reportRefusals(current: UInt64, holder: String) {
    for (order, refused) in pending {
      tools.ledger.count(.refused)
      tools.logger.notice(
        "Refused: the epoch moved on.",
        metadata: [
          "order_id": "\(order)", "epoch": "\(epoch)", "current_epoch": "\(current)", "holder": "\(holder)",
          "attempt": "\(refused.attempt)", "outcome": "\(refused.outcome.rawValue)",
        ])
    }
    pending = [:]
  }
}
