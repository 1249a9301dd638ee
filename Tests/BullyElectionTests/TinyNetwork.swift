import BullyElection
import CoreTime
import Randomness

/// A deterministic network of election machines with a queue that judges, driven by one ordered list of
/// events.
struct TinyNetwork {
  private enum Event {
    case deliver(ElectionMessage, to: UInt16)
    case timer(UInt16, generation: Int)
    case input(BullyElection.Input, to: UInt16)
  }

  private struct Scheduled {
    var at: Instant
    var order: Int
    var event: Event
  }

  struct Node {
    var machine: BullyElection
    var timerGeneration = 0
    var alive = true
    var paused = false
    var held: [BullyElection.Input] = []
    /// The epoch that its shell may act under, 0 for none.
    var epoch: UInt64 = 0
  }

  var nodes: [UInt16: Node] = [:]
  var now = Instant.zero
  var trace: [String] = []
  /// Directed links that lose everything.
  var cut: Set<[UInt16]> = []
  /// Messages for which this is true are lost.
  var lose: (ElectionMessage, UInt16) -> Bool = { _, _ in false }
  var queueReachable: Set<UInt16> = []
  /// How long a shell needs to finish what it holds.
  var drainTime = Duration.milliseconds(2)
  var holder: UInt16?
  /// Whether a higher id is granted the epoch of a live holder.
  var queueJudgesByID = true
  var epochs: [(epoch: UInt64, holder: UInt16)] = []
  var electionsStarted = 0
  var stories: [SplitBrainStory] = []
  private var pending: [Scheduled] = []
  private var order = 0
  private var latency: SplitMix64
  private let seed: UInt64

  init(_ ids: [UInt16], seed: UInt64, configuration: BullyConfiguration = BullyConfiguration()) {
    self.seed = seed
    latency = SplitMix64(seed: seed ^ 0xABCD)
    for id in ids { boot(id, incarnation: UInt64(id), configuration: configuration) }
  }

  mutating func boot(
    _ id: UInt16, incarnation: UInt64, configuration: BullyConfiguration = BullyConfiguration()
  ) {
    guard let node = NodeID(id) else { return }
    queueReachable.insert(id)
    let machine = BullyElection(
      id: node, incarnation: incarnation, configuration: configuration, seed: seed &+ incarnation &* 31)
    nodes[id] = Node(machine: machine, timerGeneration: (nodes[id]?.timerGeneration ?? 0) + 1)
    give(.started, to: id)
    give(.becameEligible, to: id)
  }

  mutating func crash(_ id: UInt16) {
    nodes[id]?.alive = false
    nodes[id]?.epoch = 0
    if holder == id { holder = nil }
  }

  mutating func pause(_ id: UInt16) { nodes[id]?.paused = true }

  mutating func resume(_ id: UInt16) {
    nodes[id]?.paused = false
    let held = nodes[id]?.held ?? []
    nodes[id]?.held = []
    for input in held { give(input, to: id) }
  }

  /// Hands an input to a node's shell now.
  mutating func give(_ input: BullyElection.Input, to id: UInt16) {
    guard var node = nodes[id], node.alive else { return }
    guard !node.paused else {
      if node.held.count < 1_000 { nodes[id]?.held.append(input) }
      return
    }
    let effects = node.machine.step(input, now: now)
    nodes[id] = node
    for effect in effects { perform(effect, at: id) }
  }

  mutating func run(for duration: Duration) {
    let end = now + duration
    while let index = next(until: end) {
      let scheduled = pending.remove(at: index)
      now = scheduled.at
      switch scheduled.event {
      case .deliver(let message, let id): give(.message(message), to: id)
      case .input(let input, let id): give(input, to: id)
      case .timer(let id, let generation):
        if nodes[id]?.timerGeneration == generation { give(.timerFired, to: id) }
      }
    }
    now = end
  }

  /// Runs until `condition` holds; returns the time that took, `nil` when it did not happen within `limit`.
  mutating func run(
    until condition: (TinyNetwork) -> Bool, limit: Duration = .seconds(20)
  ) -> Duration? {
    let start = now
    while now - start <= limit {
      if condition(self) { return now - start }
      run(for: .milliseconds(1))
    }
    return nil
  }

  /// The leader that every live node names, if they agree and it is effective.
  var agreedLeader: UInt16? {
    let views = Set(nodes.values.filter { $0.alive && !$0.paused }.map { $0.machine.leader?.id.rawValue })
    guard views.count == 1, let only = views.first, let id = only else { return nil }
    guard let node = nodes[id], node.alive, node.epoch > 0, holder == id else { return nil }
    return id
  }

  var leaders: [UInt16] {
    nodes.filter { $0.value.alive && $0.value.machine.role == .leading }.keys.sorted()
  }

  private func next(until end: Instant) -> Int? {
    pending.indices.filter { pending[$0].at <= end }
      .min { (pending[$0].at, pending[$0].order) < (pending[$1].at, pending[$1].order) }
  }

  private mutating func schedule(_ event: Event, in delay: Duration) {
    order += 1
    pending.append(Scheduled(at: now + delay, order: order, event: event))
  }

  private mutating func perform(_ effect: BullyElection.Effect, at id: UInt16) {
    switch effect {
    case .send(let message):
      trace.append("\(now.nanoseconds) \(id) sends \(message.kind) term \(message.term)")
      for other in nodes.keys.sorted() where !cut.contains([id, other]) && !lose(message, other) {
        schedule(.deliver(message, to: other), in: .microseconds(Int64(latency.next() % 900) + 100))
      }
    case .setTimer(let deadline):
      let generation = (nodes[id]?.timerGeneration ?? 0) + 1
      nodes[id]?.timerGeneration = generation
      if let deadline {
        schedule(.timer(id, generation: generation), in: max(.zero, deadline - now))
      }
    case .becameLeader: claim(id)
    case .stoppedLeading(let reason):
      trace.append("\(now.nanoseconds) \(id) stopped: \(reason)")
      nodes[id]?.epoch = 0
      if holder == id { holder = nil }
    case .drainForHandover: schedule(.input(.handoverFinished, to: id), in: drainTime)
    case .leaderChanged(let view):
      let name = view.map { "\($0.id) term \($0.term) epoch \($0.epoch)" } ?? "nobody"
      trace.append("\(now.nanoseconds) \(id) sees \(name)")
    case .note(let note):
      if case .electionStarted = note { electionsStarted += 1 }
      if case .splitBrain(let story) = note { stories.append(story) }
      trace.append("\(now.nanoseconds) \(id) notes \(note)")
    }
  }

  /// The queue's rule: granted without a live holder, or to a higher id.
  private mutating func claim(_ id: UInt16) {
    guard queueReachable.contains(id) else {
      return schedule(.input(.claimDenied(holder: nil), to: id), in: .milliseconds(1))
    }
    if let holder, holder > id || (!queueJudgesByID && holder != id) {
      return schedule(.input(.claimDenied(holder: NodeID(holder)), to: id), in: .milliseconds(1))
    }
    if let former = holder, former != id {
      nodes[former]?.epoch = 0
      schedule(.input(.epochLost, to: former), in: .milliseconds(1))
    }
    holder = id
    let epoch = (epochs.last?.epoch ?? 0) + 1
    epochs.append((epoch, id))
    nodes[id]?.epoch = epoch
    schedule(.input(.epochGranted(epoch), to: id), in: .milliseconds(1))
  }
}
