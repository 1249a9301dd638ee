import BullyElection
import CoreTime
import LeaderWork
import PriorityQueue

/// A whole cluster in one thread: executors, the queue with its disk, the orchestrator's outbox and the
/// fulfilment target, in virtual time and with every fault drawn from a seed. The same seed gives the same
/// run, event by event.
///
/// Executors run the production machines (`BullyElection`, `LeaderWork`), the queue runs `PriorityQueue`;
/// only what the shells do between them is modelled here. `Simulation+Checks` says what is guaranteed.
package final class Simulation {
  package let seed: UInt64
  package let profile: Profile
  let mutation: Mutation?
  let tracer: Tracer?
  var dice: Dice
  var heap = EventHeap<Event>()
  package internal(set) var now: WorldTime = 0
  package internal(set) var events = 0

  var nodes: [SimNode] = []
  var network: DatagramNetwork
  var connections: [Connection] = []
  var queue: QueueHost
  var sink: FulfilmentSink
  var orders: [Int: OutboxOrder] = [:]
  var unsettled = 0
  var oracle = Oracle()
  var isQuiet = false
  var settledSince: WorldTime?
  /// Since when somebody could lead and nobody has done so effectively.
  var stalledSince: WorldTime?
  var lastRun = 0
  /// The latest datagram of each node.
  var lastSent: [Int: ElectionMessage] = [:]
  var isPerforming = false
  package internal(set) var statistics = Statistics()
  package internal(set) var violations: [String] = []

  struct OutboxOrder {
    var priority: Int
    var expiresAfter: Duration?
    var isAcknowledged = false
    var isCancelled = false
  }

  package struct Statistics: Sendable {
    package var datagrams = 0
    package var electionDatagrams = 0
    package var elections = 0
    package var grants = 0
    package var executions = 0
    package var refusedResults = 0
    package var orders = 0
    /// From the end of the faults until everything was in order, in nanoseconds.
    package var settledAfter: Int64 = 0
  }

  package init(seed: UInt64, profile: Profile, mutation: Mutation? = nil, tracer: Tracer? = nil) {
    self.seed = seed
    self.profile = profile
    self.mutation = mutation
    self.tracer = tracer
    dice = Dice(seed: seed)
    network = DatagramNetwork(profile: profile.network, nodes: profile.nodes.count)
    sink = FulfilmentSink(kind: profile.sink)
    queue = QueueHost(profile.queue)
    var order: [NodeID] = profile.nodes.compactMap { NodeID($0) }
    order.sort()
    for name in order {
      let drift = profile.drift == 0 ? 0 : dice.between(-Int64(profile.drift), Int64(profile.drift))
      let clock = NodeClock(drift: drift, origin: dice.between(0, 1 << 50))
      nodes.append(
        SimNode(
          name: name, clock: clock,
          election: BullyElection(id: name, incarnation: 0, configuration: profile.election, seed: 0),
          work: Work(seed: 0)))
    }
    if profile.drift > 0 {
      queue.clock.drift = dice.between(-Int64(profile.drift), Int64(profile.drift))
      queue.clock.origin = dice.between(0, 1 << 50)
    }
  }

  /// Runs the seed from its first event until everything is in order, or something is violated.
  package func run() {
    begin()
    let end = (profile.faultsUntil + profile.settleWithin).nanosecondsClamped
    while violations.isEmpty {
      guard let (at, event) = heap.pop() else { return violate("nothing is left to happen") }
      if at > end { return violate(unsettledReport()) }
      handle(event, at)
      if isQuiet, isSettledForGood() {
        statistics.settledAfter = now - profile.faultsUntil.nanosecondsClamped
        return checkOutcome()
      }
    }
  }

  /// Schedules the start of everything and the profile's faults.
  package func begin() {
    bootQueue()
    for index in nodes.indices {
      heap.push(.boot(index), at: profile.startsTogether ? 0 : dice.milliseconds(0, 1_000))
    }
    for (at, fault) in profile.faults { heap.push(.fault(fault), at: at.nanosecondsClamped) }
    let span = max(profile.faultsUntil.nanosecondsClamped, 1_000_000)
    for order in 0..<profile.orders {
      let isHasty = dice.chance(perMille: 60)
      orders[order] = OutboxOrder(
        priority: dice.below(10), expiresAfter: isHasty ? .nanoseconds(dice.milliseconds(1, 4_000)) : nil)
      let at = dice.between(0, span)
      heap.push(.outbox(order: order), at: at)
      if dice.chance(perMille: 50) {
        heap.push(.cancel(order: order), at: at + dice.milliseconds(0, 2_000))
      }
    }
    unsettled = profile.orders
    statistics.orders = profile.orders
    heap.push(.quiet, at: profile.faultsUntil.nanosecondsClamped)
  }

  /// Lets `duration` pass; for scripts.
  package func advance(by duration: Duration) {
    let end = now + duration.nanosecondsClamped
    while let next = heap.nextTime, next <= end, let (at, event) = heap.pop() { handle(event, at) }
    now = end
  }

  func handle(_ event: Event, _ at: WorldTime) {
    now = max(now, at)
    events += 1
    switch event {
    case .node(let index, let life, let event): take(event, index, life)
    case .queue(let event): take(event)
    case .effect(let index, let life, let run, let value): effectArrives(index, life, run, value)
    case .outbox(let order): sendFromOutbox(order)
    case .acknowledged(let order): acknowledge(order)
    case .cancel(let order):
      orders[order]?.isCancelled = true
      heap.push(.queue(.cancel(order: order)), at: now + latency())
    case .fault(let fault): strike(fault)
    case .boot(let index): boot(index)
    case .resume(let index, let pause): resume(index, pause)
    case .healed(let index): flush(index)
    case .gaveUp(let connection, let client, let outage): giveUp(connection, client: client, outage: outage)
    case .queueBoots: bootQueue()
    case .queueResumes: resumeQueue()
    case .quiet: beginQuiet()
    }
    checkStall()
  }

  func latency() -> WorldTime { dice.between(100_000, 1_500_000) }

  func violate(_ text: String) {
    trace(.violation) { "VIOLATION: \(text)" }
    violations.append("\(seconds(now)) s: \(text)")
  }

  func trace(_ kind: Tracer.Kind, _ text: () -> String) {
    guard let tracer else { return }
    tracer.note(kind, at: now, text())
  }

  func index(of id: UInt16) -> Int? { nodes.firstIndex { $0.id == id } }
}

/// Collects what happens, for people. Bounded: the oldest lines go first.
package final class Tracer {
  package enum Kind: Sendable { case datagram, heartbeat, election, work, queue, order, fault, violation }

  package struct Line: Sendable {
    package var at: WorldTime
    package var kind: Kind
    package var text: String
  }

  package private(set) var lines: [Line] = []
  private let limit: Int

  package init(limit: Int = 4_000) { self.limit = limit }

  func note(_ kind: Kind, at: WorldTime, _ text: String) {
    if lines.count >= 2 * limit { lines.removeFirst(limit) }
    lines.append(Line(at: at, kind: kind, text: text))
  }

  /// The latest lines.
  package func tail(_ count: Int) -> String {
    lines.suffix(count).map { "\(seconds($0.at))  \($0.text)" }.joined(separator: "\n")
  }
}

/// `12.345`, padded to eight characters.
package func seconds(_ time: WorldTime) -> String {
  let milliseconds = time / 1_000_000
  let fraction = String(milliseconds % 1_000)
  let text = "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  return String(repeating: " ", count: max(0, 8 - text.count)) + text
}

// For scripts.
extension Simulation {
  /// Who leads effectively.
  package var leader: UInt16? {
    nodes.indices.first { nodes[$0].work.epoch == oracle.epoch && believesToLead($0) }.map { nodes[$0].id }
  }

  /// Lets a fault strike now.
  package func inject(_ fault: Fault) { strike(fault) }

  /// Hands in an order now.
  package func submit(order: Int) {
    orders[order] = OutboxOrder(priority: 5, expiresAfter: nil)
    unsettled += 1
    heap.push(.outbox(order: order), at: now)
  }

  /// What became of an order, in the queue's words.
  package func state(of order: Int) -> String { queue.store.jobs[order]?.state.rawValue ?? "unknown" }
}
