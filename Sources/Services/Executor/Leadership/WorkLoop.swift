import BullyElection
import CoreTime
import DaemonKit
import LeaderWork
import Logging
import OrderDomain
import OrderProtos
import OrderWire
import VectorClock

/// Feeds the leadership's machine (`LeaderWork`) from the desk and performs its effects, in order.
///
/// Nothing is awaited between a step and its effects. What takes time (claim, resign, stream, execution,
/// timer) is a child task that puts its answer on the desk.
actor WorkLoop {
  typealias Work = LeaderWork<OrderID>

  /// What leading is done with, the same for all of one executor.
  struct Tools: Sendable {
    let process: String
    let queue: QueueClient
    let fulfilment: any Fulfilment
    let ledger: ExecutorLedger
    let clocks: Clocks
    let heartbeats: Heartbeats
    let logger: Logger
  }

  /// What a step came from, as far as its effects need to know.
  enum Cause {
    case other
    case handover
    case delivery(Ordersd_V1_Delivery)
    case settled(Ordersd_V1_WorkSettled)
    case execution(attempt: UInt32)
  }

  struct Link {
    let epoch: UInt64
    let outbox: CommandOutbox
    let leash: Leash
    /// One reply at a time is on the desk: the next is read when this one was taken.
    let taken: AsyncStream<Void>.Continuation
  }

  struct RunKey: Hashable {
    let order: OrderID
    let epoch: UInt64
  }

  /// What an outcome was sent with; sent again it must be the same.
  struct Sent {
    let clock: VectorClock
    let reason: String
  }

  private enum Tell: Sendable {
    case election(BullyElection.Input)
    case queueLost
  }

  /// Less than the election's own bound, so that the handover ends in order.
  private static let handoverMargin = Duration.milliseconds(500)
  private static let pulse = Duration.seconds(1)

  let desk: LeadershipDesk
  let tools: Tools
  private let election: ElectionShell
  private let eligibility: Eligibility
  private let handoverBound: Duration
  private var machine: Work
  var links: [UInt64: Link] = [:]
  var runs: [RunKey: (leash: Leash, attempt: UInt32)] = [:]
  var sent: [OrderID: Sent] = [:]
  /// The fence that ended the last epoch.
  var lastFence: (current: UInt64, holder: String) = (0, "")
  private var shownEpoch: UInt64 = 0
  private var timers: Set<Instant> = []
  private var resignation: (call: UInt64, epoch: UInt64, reason: String)?
  private var drainWaiters: [CheckedContinuation<Void, Never>] = []
  private var isDrained = false
  private var isOver = false
  /// At most one for each answer of the queue.
  private let tells: AsyncStream<Tell>
  private let tell: AsyncStream<Tell>.Continuation

  init(
    desk: LeadershipDesk, election: ElectionShell, eligibility: Eligibility, tools: Tools, credits: Int,
    drainTimeout: Duration, seed: UInt64
  ) {
    self.desk = desk
    self.election = election
    self.eligibility = eligibility
    self.tools = tools
    handoverBound = max(drainTimeout - Self.handoverMargin, drainTimeout / 2)
    machine = Work(configuration: LeaderWorkConfiguration(credits: credits), seed: seed)
    (tells, tell) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
  }

  /// Leads as the election says, until the task is cancelled.
  func run() async {
    let heartbeat = tools.heartbeats.register("work", longestSilence: .seconds(5))
    defer { heartbeat.retire() }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.passOn() }
      desk.put(.pulse)
      for await word in desk.words {
        await heartbeat.turn()
        take(word, &group)
      }
      isOver = true
      desk.close()
      show(epoch: 0)
      release()
      group.cancelAll()
    }
  }

  /// Takes no more orders, finishes what runs within `bound`, gives the epoch back.
  func drain(within bound: Duration, isFinal: Bool) async {
    guard !isOver else { return }
    await withCheckedContinuation { waiter in
      drainWaiters.append(waiter)
      desk.put(.drain(isFinal ? .shutdown : .stepDown, until: tools.clocks.now() + bound))
    }
  }

  // MARK: Inputs

  private func take(_ word: LeadershipDesk.Word, _ group: inout DiscardingTaskGroup) {
    switch word {
    case .handOver:
      step(.drain(.handover, until: tools.clocks.now() + handoverBound), .handover, &group)
    case .timer(let at):
      timers.remove(at)
      step(.timerFired, .other, &group)
    case .pulse:
      group.addTask { [desk] in
        do { try await Task.sleep(for: Self.pulse) } catch { return }
        desk.put(.pulse)
      }
    case .reply(let stream, let reply):
      for event in reply.events {
        guard let (input, cause) = read(event, from: stream) else { continue }
        step(input, cause, &group)
      }
      let settled = reply.events.count { if case .settled = $0.event { true } else { false } }
      links[stream]?.outbox.answered(settled)
      links[stream]?.taken.yield()
    case .input(.executed(let order, let epoch, let result)):
      let run = runs.removeValue(forKey: RunKey(order: order, epoch: epoch))
      tools.ledger.ended(order)
      step(.executed(order, epoch: epoch, result), .execution(attempt: run?.attempt ?? 0), &group)
      giveBack(&group)
    case .input(let input):
      if case .streamClosed(let stream) = input { links[stream] = nil }
      step(input, .other, &group)
    }
    for link in links.values { link.outbox.flush() }
    // Whoever waits for the drain expects that nothing runs any more.
    if isDrained, runs.isEmpty { release() }
  }

  private func step(_ input: Work.Input, _ cause: Cause, _ group: inout DiscardingTaskGroup) {
    let effects = machine.step(input, now: tools.clocks.now())
    show(epoch: machine.epoch ?? 0)
    for effect in effects { perform(effect, cause, &group) }
  }

  // MARK: Effects

  private func perform(_ effect: Work.Effect, _ cause: Cause, _ group: inout DiscardingTaskGroup) {
    switch effect {
    case .claim(let call, let term): claim(call, term, &group)
    case .resign(let call, let epoch, let reason):
      resignation = (call, epoch, reason)
      // What is concluded is to be there before the epoch is given back.
      for link in links.values where link.epoch == epoch { link.outbox.flushAll() }
      giveBack(&group)
    case .openStream(let stream, let epoch): open(stream, epoch, &group)
    case .closeStream(let stream): links.removeValue(forKey: stream)?.leash.cancel()
    case .send(let stream, let command):
      guard let link = links[stream] else { break }
      link.outbox.append(encoded(command, under: link.epoch, cause))
    case .execute(let delivery, let epoch): execute(delivery, epoch, cause, &group)
    case .cancelExecutions(let epoch):
      for (key, run) in runs where key.epoch == epoch { run.leash.cancel() }
    case .tellGranted(let epoch): tell.yield(.election(.epochGranted(epoch)))
    case .tellLost: tell.yield(.election(.epochLost))
    case .tellDenied(let holder):
      let node = holder.flatMap(UInt16.init(exactly:)).flatMap { NodeID($0) }
      tell.yield(.election(.claimDenied(holder: node)))
    case .queueLost: tell.yield(.queueLost)
    case .drained(.handover): tell.yield(.election(.handoverFinished))
    case .drained(.stepDown), .drained(.shutdown): isDrained = true
    case .setTimer(let at): arm(at, &group)
    case .note(let note): journal(note, cause, term: term)
    }
  }

  private var term: UInt64 {
    if case .holding(let office) = machine.state { return office.term }
    return 0
  }

  /// For the story of a split brain.
  func tellRefused() { tell.yield(.election(.actionsRefused(1))) }

  /// Tells the others in order, and waits for them where the loop must not.
  private func passOn() async {
    for await word in tells {
      switch word {
      case .election(let input): await election.take(input)
      case .queueLost: await eligibility.queueLost()
      }
    }
  }

  private func claim(_ call: UInt64, _ term: UInt64, _ group: inout DiscardingTaskGroup) {
    group.addTask { [desk, tools] in
      do {
        desk.put(.claimAnswered(call: call, try await tools.queue.claim(term: term)))
      } catch {
        tools.logger.debug("The claim failed.", metadata: ["error": "\(error)"])
        desk.put(.claimAnswered(call: call, .failed))
      }
    }
  }

  /// Gives the epoch back as soon as what was cancelled under it has ended, so that the next leader doesn't
  /// carry out what still runs here.
  private func giveBack(_ group: inout DiscardingTaskGroup) {
    guard let (call, epoch, reason) = resignation, !runs.keys.contains(where: { $0.epoch == epoch }) else {
      return
    }
    resignation = nil
    group.addTask { [desk, tools] in
      do {
        try await tools.queue.resign(epoch: epoch, reason: reason)
      } catch {
        // The queue finds out by the closed stream or the end of the lease.
        tools.logger.debug(
          "The epoch could not be given back.", metadata: ["epoch": "\(epoch)", "error": "\(error)"])
      }
      desk.put(.resignAnswered(call: call))
    }
  }

  /// An earlier timer stays: it fires in vain, and the machine then asks for the rest. So only what is sooner
  /// than all others costs a task.
  private func arm(_ deadline: Instant?, _ group: inout DiscardingTaskGroup) {
    guard let deadline, !timers.contains(where: { $0 <= deadline }) else { return }
    timers.insert(deadline)
    let wait = max(deadline - tools.clocks.now(), .zero)
    group.addTask { [desk] in
      do { try await Task.sleep(for: wait) } catch { return }
      desk.put(.timer(deadline))
    }
  }

  private func show(epoch: UInt64) {
    guard epoch != shownEpoch else { return }
    shownEpoch = epoch
    tools.ledger.holds(epoch: epoch)
  }

  private func release() {
    isDrained = false
    for waiter in drainWaiters { waiter.resume() }
    drainWaiters = []
  }

  /// Whether an execution under `epoch` may begin now.
  func mayAct(under epoch: UInt64) -> Bool {
    machine.epoch == epoch && machine.mayAct(at: tools.clocks.now()) && !Task.isCancelled
  }

  /// What this executor has under `epoch`: what the machine knows of, and what was cancelled and still runs.
  func held(under epoch: UInt64) -> Set<OrderID> {
    Set(machine.held).union(runs.keys.lazy.filter { $0.epoch == epoch }.map(\.order))
  }

  /// `led`: the epoch that the election names as this executor's.
  func standing(led: UInt64?) -> Standing {
    machine.standing(led: led, executing: runs.keys.lazy.map(\.epoch), at: tools.clocks.now())
  }

  var isDraining: Bool {
    if case .holding(let office) = machine.state { return office.drainUntil != nil }
    return true
  }
}
