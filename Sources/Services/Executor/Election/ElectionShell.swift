import BullyElection
import CoreTime
import DaemonKit
import ElectionWire
import Logging
import Metrics
import MulticastTransport

/// What a peer was last heard to be.
struct PeerSighting: Sendable {
  var incarnation: UInt64
  var heardAt: Instant
  var isEligible: Bool
}

/// The election as this node sees it now.
struct ElectionView: Sendable {
  var role: BullyElection.Role
  var leader: LeaderView?
  var term: UInt64
  var incarnation: UInt64
  /// Nothing is started here until then.
  var frozenUntil: Instant?
  var peers: [(id: NodeID, sighting: PeerSighting)]
  /// Datagrams that were not taken, by reason.
  var dropped: [(reason: String, count: UInt64)]
}

/// Feeds the election machine and performs its effects, in order; nothing else.
///
/// Datagrams, the timer and the commands of others all come in through `take`, one at a time by the actor's
/// own queue. `take` does not suspend: nothing can happen between a step and its effects.
actor ElectionShell {
  /// The timer fires at least this often, so that the loop's heartbeat does not depend on the election.
  private static let longestSleep = Duration.seconds(1)
  private static let mostPeers = 256

  private var machine: BullyElection
  private var codec: ElectionCodec
  private let socket: MulticastSocket
  private let desk: LeadershipDesk
  private let clocks: Clocks
  private let heartbeat: Heartbeat
  private let logger: Logger
  private var timer: (at: Instant, task: Task<Void, Never>)?
  private var peers: [NodeID: PeerSighting] = [:]
  private var deniedInTerm: UInt64?
  private var dropped = DroppedDatagrams()
  private var isOver = false

  init(
    machine: BullyElection, codec: ElectionCodec, socket: MulticastSocket, desk: LeadershipDesk,
    clocks: Clocks,
    heartbeats: Heartbeats, logger: Logger
  ) {
    self.machine = machine
    self.codec = codec
    self.socket = socket
    self.desk = desk
    self.clocks = clocks
    self.logger = logger
    heartbeat = heartbeats.register("election", longestSilence: .seconds(4))
  }

  /// Takes part until the socket is closed.
  func run() async {
    take(.started)
    for await datagram in socket.inbound { receive(datagram) }
    isOver = true
    timer?.task.cancel()
    timer = nil
    heartbeat.retire()
  }

  func take(_ input: BullyElection.Input) {
    guard !isOver, heartbeat.beatUnlessWedged() else { return }
    for effect in machine.step(input, now: clocks.now()) { perform(effect) }
    rearm(machine.nextDeadline)
  }

  func view() -> ElectionView {
    ElectionView(
      role: machine.role, leader: machine.leader, term: machine.leader?.term ?? machine.highestTerm,
      incarnation: machine.incarnation, frozenUntil: machine.frozenUntil,
      peers: peers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
      dropped: dropped.counts(with: socket.counters))
  }

  private func receive(_ datagram: Datagram) {
    switch codec.decode(datagram.bytes) {
    case .success(let message):
      note(message)
      take(.message(message))
    case .failure(let reason):
      dropped.count(reason)
    }
  }

  private func note(_ message: ElectionMessage) {
    guard message.sender != machine.id, message.lane == machine.configuration.lane else { return }
    if peers[message.sender] == nil, peers.count >= Self.mostPeers,
      let oldest = peers.min(by: { $0.value.heardAt < $1.value.heardAt })
    {
      peers[oldest.key] = nil
    }
    peers[message.sender] = PeerSighting(
      incarnation: message.incarnation, heardAt: clocks.now(), isEligible: message.eligible)
  }

  private func perform(_ effect: BullyElection.Effect) {
    switch effect {
    case .send(let message): socket.send(codec.encode(message))
    // Read from the machine once all effects are performed.
    case .setTimer: break
    case .becameLeader(let term): desk.lead(term: term)
    case .stoppedLeading: desk.stop()
    case .drainForHandover: desk.drain()
    case .leaderChanged(let leader):
      Gauge(label: "ordersd_election_leader").record(Double(leader?.id.rawValue ?? 0))
      Gauge(label: "ordersd_election_term").record(Double(leader?.term ?? machine.highestTerm))
    // Asked for several times a second; once for each term is enough.
    case .note(.claimDenied) where deniedInTerm == machine.leader?.term: break
    case .note(let note):
      if case .claimDenied = note { deniedInTerm = machine.leader?.term }
      journal(note, logger, clocks)
    }
  }

  /// An earlier timer stays: it fires in vain and is then set for the rest. So heartbeats do not each cost a
  /// task.
  private func rearm(_ deadline: Instant?) {
    let now = clocks.now()
    let at = min(deadline ?? now + Self.longestSleep, now + Self.longestSleep)
    if let timer {
      if timer.at <= at { return }
      timer.task.cancel()
    }
    let wait = max(at - now, .zero)
    let task = Task { [weak self] in
      do { try await Task.sleep(for: wait) } catch { return }
      await self?.timerFired(at)
    }
    timer = (at, task)
  }

  private func timerFired(_ at: Instant) {
    // Replaced while it was on its way here.
    guard timer?.at == at else { return }
    timer = nil
    dropped.export(socket.counters)
    take(.timerFired)
  }
}
