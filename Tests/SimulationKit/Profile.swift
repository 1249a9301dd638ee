package import BullyElection
import CoreTime
package import PriorityQueue

/// What a run is made of: who takes part, how bad the network is, and which faults strike when.
package struct Profile: Sendable {
  package var nodes: [UInt16] = [1, 2, 3]
  package var election = BullyConfiguration()
  package var queue = QueueConfiguration(
    backoff: Backoff(base: .milliseconds(100), maximum: .seconds(1)), leadershipLease: .seconds(1))
  /// How long the queue keeps an order for an executor without a touch.
  package var jobLease: Duration = .milliseconds(1_500)
  package var credits = 3
  package var network = NetworkProfile()
  /// Largest drift of a clock, in parts per million.
  package var drift = 0
  package var orders = 0
  package var sink = SinkKind.idempotent
  package var faults: [(at: Duration, fault: Fault)] = []
  /// When the faults end and the network is whole.
  package var faultsUntil: Duration = .zero
  /// How soon after that everything must be in order.
  package var settleWithin: Duration = .seconds(30)
  /// How many of 1,000 executions fail in some way.
  package var failingPerMille = 0
  /// The longest that carrying out an order takes, save one in twenty, which takes five times as long.
  package var longestExecution: Duration = .milliseconds(120)
  /// All nodes are there at once; otherwise they start within a second.
  package var startsTogether = false

  package init() {}
}

/// The election's datagrams. Delays in nanoseconds.
package struct NetworkProfile: Sendable {
  package var lossPerMille = 0
  package var duplicatePerMille = 0
  /// The copy of a doubled datagram comes up to this much later.
  package var longestReplay: Int64 = 0
  package var shortestDelay: Int64 = 100_000
  package var longestDelay: Int64 = 900_000
  /// So many take up to `tail`.
  package var tailPerMille = 0
  package var tail: Int64 = 0

  package init() {}
}

/// What the fulfilment target promises.
package enum SinkKind: Sendable, CaseIterable {
  /// Carries out whatever comes: effects can be doubled by a leader that was stopped in the middle.
  case plain
  /// Carries out one order once (OrderID is the key).
  case idempotent
  /// Also refuses an epoch older than the newest that it has seen for the order.
  case fencing
}

package enum Target: Sendable, Hashable {
  case node(UInt16)
  /// Whoever holds the epoch when the fault strikes.
  case holder
}

package enum Fault: Sendable {
  /// `isPowerLoss`: no connection is closed, the others find out by their own time-outs.
  case crash(Target, isPowerLoss: Bool, restartAfter: Duration?)
  /// As by SIGTERM: drains first.
  case stop(Target, restartAfter: Duration?)
  /// As by SIGSTOP.
  case pause(Target, for: Duration)
  /// Datagrams pass only inside the groups.
  case partition([[UInt16]], for: Duration)
  /// Datagrams from one to another are lost.
  case cut(from: Target, to: Target, for: Duration)
  /// Datagrams from one to another wait, and then come all at once.
  case clog(from: Target, to: Target, for: Duration)
  /// The connection to the queue goes silent in one or both directions.
  case cutFromQueue(Target, up: Bool, down: Bool, for: Duration)
  /// The work stream is reset.
  case breakStream(Target)
  case queueCrash(isPowerLoss: Bool, restartAfter: Duration)
  case queuePause(for: Duration)
  case slowDisk(for: Duration)
  case setWall(Target, by: Duration)
  case setQueueWall(by: Duration)
  case fulfilmentFails(Target, for: Duration)
  /// The next so many datagrams of that kind from one to another are lost.
  case lose(kind: String, from: UInt16, to: UInt16?, count: Int)
}

extension Profile {
  /// A random world for a seed.
  package init(seed: UInt64) {
    self.init()
    var dice = Dice(seed: seed ^ 0x5EED)
    let count = [2, 3, 3, 3, 3, 4, 5, 5][dice.below(8)]
    nodes = (1...UInt16(count)).map { $0 * 10 }
    drift = [0, 100, 5_000, 20_000][dice.below(4)]
    orders = 8 + dice.below(25)
    sink = SinkKind.allCases[dice.below(SinkKind.allCases.count)]
    failingPerMille = [0, 50, 200][dice.below(3)]
    longestExecution = .milliseconds([20, 120, 400, 900][dice.below(4)])
    election.preempt = [.whenIdle, .whenIdle, .whenIdle, .immediate, .never][dice.below(5)]
    startsTogether = dice.chance(perMille: 300)
    if dice.chance(perMille: 60) {
      isolateLeader()
      return
    }
    drawNetwork(&dice)
    faultsUntil = .milliseconds(4_000 + Int64(dice.below(9_000)))
    let faultCount = 1 + dice.below(9)
    var at: Int64 = 500
    for _ in 0..<faultCount {
      at += Int64(dice.below(Int(faultsUntil.millisecondsClamped) / faultCount * 3 / 2))
      guard at < faultsUntil.millisecondsClamped else { break }
      faults.append((.milliseconds(at), drawFault(&dice)))
    }
  }

  /// A leader that everybody hears and that cannot reach the queue, for longer than anybody should wait.
  private mutating func isolateLeader() {
    faultsUntil = .seconds(20)
    faults = [(.milliseconds(2_500), .cutFromQueue(.holder, up: true, down: true, for: .seconds(17)))]
  }

  private mutating func drawNetwork(_ dice: inout Dice) {
    switch dice.below(4) {
    case 0: break
    case 1:
      network.lossPerMille = 20
      network.duplicatePerMille = 30
      network.longestReplay = 50_000_000
    case 2:
      network.lossPerMille = 100 + dice.below(300)
      network.duplicatePerMille = 100
      network.longestReplay = 2_000_000_000
      network.longestDelay = 20_000_000
    default:
      network.duplicatePerMille = 200
      network.longestReplay = 4_000_000_000
      network.tailPerMille = 100
      network.tail = 500_000_000
    }
  }

  private func drawFault(_ dice: inout Dice) -> Fault {
    func target() -> Target { dice.chance(perMille: 600) ? .holder : .node(nodes[dice.below(nodes.count)]) }
    func time(_ low: Int64, _ high: Int64) -> Duration { .nanoseconds(dice.milliseconds(low, high)) }
    switch dice.below(17) {
    case 0, 1:
      return .crash(
        target(), isPowerLoss: dice.chance(perMille: 400),
        restartAfter: dice.chance(perMille: 850) ? time(5, 4_000) : nil)
    case 2: return .stop(target(), restartAfter: time(5, 3_000))
    case 3, 4: return .pause(target(), for: time(50, 6_000))
    case 5, 6:
      let split = 1 + dice.below(nodes.count - 1)
      var shuffled = nodes
      for index in shuffled.indices { shuffled.swapAt(index, dice.below(shuffled.count)) }
      return .partition([Array(shuffled[..<split]), Array(shuffled[split...])], for: time(300, 6_000))
    case 7: return .cut(from: target(), to: target(), for: time(300, 6_000))
    case 8: return .clog(from: target(), to: target(), for: time(200, 3_000))
    case 9, 10:
      let up = dice.chance(perMille: 800)
      return .cutFromQueue(
        target(), up: up, down: !up || dice.chance(perMille: 700), for: time(300, 7_000))
    case 11: return .breakStream(target())
    case 12:
      return .queueCrash(isPowerLoss: dice.chance(perMille: 400), restartAfter: time(5, 4_000))
    case 13: return .queuePause(for: time(50, 4_000))
    case 14: return .slowDisk(for: time(300, 3_000))
    case 15:
      let by = Duration.milliseconds(dice.between(-3_000, 3_000))
      return dice.chance(perMille: 500) ? .setQueueWall(by: by) : .setWall(target(), by: by)
    default: return .fulfilmentFails(target(), for: time(300, 3_000))
    }
  }
}
