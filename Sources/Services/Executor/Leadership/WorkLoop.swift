import BullyElection
import CoreTime
import DaemonKit
import Logging
import OrderProtos

/// Does what the election says about leading: claims the epoch, holds the office, gives it back.
actor WorkLoop {
  /// A queue that cannot be reached for this long makes the executor ineligible.
  private static let patience = Duration.milliseconds(1_500)
  /// Less than the election's own bound, so that the handover ends in order.
  private static let handoverMargin = Duration.milliseconds(500)

  private let desk: LeadershipDesk
  private let election: ElectionShell
  private let eligibility: Eligibility
  private let tools: Office.Tools
  private let handoverBound: Duration
  private var office: Office?
  private var current: Task<Void, Never>?
  private var handled: UInt64 = 0
  /// An epoch that is to be given back.
  private var held: UInt64?
  /// The last epoch that the election was told of; it does not listen to it twice.
  private var announced: UInt64 = 0
  private var unreachableSince: Instant?
  private var isHandover = false
  private var isStopping = false

  init(
    desk: LeadershipDesk, election: ElectionShell, eligibility: Eligibility, tools: Office.Tools,
    drainTimeout: Duration
  ) {
    self.desk = desk
    self.election = election
    self.eligibility = eligibility
    self.tools = tools
    handoverBound = max(drainTimeout - Self.handoverMargin, drainTimeout / 2)
  }

  func run() async {
    for await _ in desk.wakes { await follow(desk.orders) }
    await endCurrent("stopping")
  }

  /// Takes no more orders, finishes what runs within `bound`, gives the epoch back.
  func drain(within bound: Duration, isFinal: Bool) async {
    if isFinal { isStopping = true }
    guard let task = current else { return }
    if let office { await office.drain(until: tools.clocks.now() + bound) } else { task.cancel() }
    await task.value
    // Granted to a claim that was cancelled.
    await giveBack("not wanted any more")
  }

  private func follow(_ orders: LeadershipDesk.Orders) async {
    if orders.generation != handled {
      handled = orders.generation
      isHandover = false
      await endCurrent("no longer the leader")
      if case .leading(let term) = orders.wanted, !isStopping {
        current = Task { await self.lead(term: term) }
      }
    }
    if orders.wanted == .draining, !isHandover {
      isHandover = true
      guard let office else { return await election.take(.handoverFinished) }
      tools.logger.info("Handing the leadership over.", metadata: ["epoch": "\(office.epoch)"])
      await office.drain(until: tools.clocks.now() + handoverBound)
    }
  }

  private func endCurrent(_ reason: String) async {
    current?.cancel()
    await current?.value
    current = nil
    await giveBack(reason)
  }

  private func giveBack(_ reason: String) async {
    guard let epoch = held else { return }
    held = nil
    do {
      try await tools.queue.resign(epoch: epoch, reason: reason)
    } catch {
      // The queue finds out by the closed stream or the end of the lease.
      tools.logger.debug(
        "The epoch could not be given back.", metadata: ["epoch": "\(epoch)", "error": "\(error)"])
    }
  }

  // MARK: One leadership

  private func lead(term: UInt64) async {
    guard let (reply, trust) = await claim(term) else { return }
    let office = Office(epoch: reply.epoch, term: term, trust: trust, tools: tools)
    self.office = office
    announced = reply.epoch
    tools.ledger.holds(epoch: reply.epoch)
    await election.take(.epochGranted(reply.epoch))
    let refusedBefore = tools.ledger.figures.refused
    let ending = await office.serve()
    tools.ledger.holds(epoch: 0)
    self.office = nil
    switch ending {
    // Whoever cancelled gives the epoch back.
    case nil: break
    case .drained:
      await giveBack("handed over")
      if isHandover { await election.take(.handoverFinished) }
    case .fenced(let current, let holder):
      held = nil
      tools.logger.notice(
        "Leadership lost: the epoch moved on.",
        metadata: ["epoch": "\(reply.epoch)", "current_epoch": "\(current)", "holder": "\(holder)"])
      // At least the call by which it was learnt.
      let refused = max(1, tools.ledger.figures.refused &- refusedBefore)
      await election.take(.actionsRefused(UInt32(clamping: refused)))
      await election.take(.epochLost)
    case .unreachable:
      held = nil
      tools.logger.notice(
        "Leadership given up: cannot reach order-queue.", metadata: ["epoch": "\(reply.epoch)"])
      await eligibility.queueLost()
    }
  }

  /// `nil` when it was not granted; the election has been told and asks again.
  private func claim(_ term: UInt64) async -> (Ordersd_V1_ClaimReply, TrustWindow)? {
    var started = tools.clocks.now()
    do {
      var reply = try await tools.queue.claim(term: term)
      if reply.granted, reply.epoch <= announced {
        // The queue resumed a leadership that the election has ended since: a new one needs a new epoch.
        try await tools.queue.resign(epoch: reply.epoch, reason: "a new term")
        started = tools.clocks.now()
        reply = try await tools.queue.claim(term: term)
      }
      unreachableSince = nil
      guard reply.granted else {
        await election.take(.claimDenied(holder: NodeID(process: reply.holder)))
        return nil
      }
      held = reply.epoch
      if Task.isCancelled { return nil }
      return (reply, TrustWindow(start: started, lease: .milliseconds(Int64(reply.leaseMs))))
    } catch {
      if Task.isCancelled { return nil }
      await claimFailed(error)
      return nil
    }
  }

  private func claimFailed(_ error: any Error) async {
    tools.logger.debug("The claim failed.", metadata: ["error": "\(error)"])
    let now = tools.clocks.now()
    let since = unreachableSince ?? now
    unreachableSince = since
    if now - since >= Self.patience {
      unreachableSince = nil
      await eligibility.queueLost()
    } else {
      await election.take(.claimDenied(holder: nil))
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
