import BullyElection
import CoreTime

/// A script that a person can read, and what happens when it is run.
///
/// One command on each line; `#` begins a comment. Times are milliseconds.
///
///     nodes 1 2 3            who takes part; first
///     jitter 0               no random part in the waits (before `run`)
///     run 2000               let time pass
///     crash 3                kill -9
///     start 3                start it again
///     pause 3 4000           SIGSTOP, SIGCONT after so long
///     partition 1 2 | 3 4000 datagrams pass only on each side
///     cut 3 1 4000           1 does not hear 3
///     lose COORDINATOR 3 1 2 the next 2 of that kind from 3 to 1 are lost
///     cutqueue 3 6000        3 cannot reach the queue
///     order 7                order 7 is approved
///     show                   who leads effectively
package struct Scenario {
  package struct Mistake: Error, CustomStringConvertible {
    package let description: String
  }

  /// Runs the script; the lines of what happened.
  package static func run(_ script: String) throws(Mistake) -> [String] {
    var scenario = Scenario()
    for line in script.split(separator: "\n") {
      let command = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
      if !command.isEmpty { try scenario.obey(command) }
    }
    return scenario.output
  }

  private var profile = Profile()
  private var simulation: Simulation?
  private var tracer = Tracer(limit: 1_000_000)
  private var told = 0
  private var queriedAt: WorldTime = .min
  private var output: [String] = []

  private init() {
    profile.startsTogether = true
    profile.faultsUntil = .seconds(3_600)
    profile.network.shortestDelay = 500_000
    profile.network.longestDelay = 500_000
  }

  private mutating func obey(_ command: [String]) throws(Mistake) {
    let mistake = Mistake(description: "not understood: \(command.joined(separator: " "))")
    let numbers = command.dropFirst().compactMap { Int64($0) }
    let first = numbers.first.map { UInt16(clamping: $0) } ?? 0
    let time = Duration.milliseconds(numbers.last ?? 0)
    if command[0] == "nodes" {
      profile.nodes = numbers.map { UInt16(clamping: $0) }
      return
    }
    if command[0] == "jitter" {
      profile.election.jitter = time
      return
    }
    let simulation = begun()
    output.append("> " + command.joined(separator: " "))
    switch (command[0], numbers.count) {
    case ("run", 1): simulation.advance(by: time)
    case ("crash", 1): simulation.inject(.crash(.node(first), isPowerLoss: false, restartAfter: nil))
    case ("start", 1): simulation.start(first)
    case ("pause", 2): simulation.inject(.pause(.node(first), for: time))
    case ("partition", 2...):
      let sides = command.dropFirst().dropLast().split(separator: "|").map { $0.compactMap { UInt16($0) } }
      simulation.inject(.partition(sides, for: time))
    case ("cut", 3):
      simulation.inject(.cut(from: .node(first), to: .node(UInt16(clamping: numbers[1])), for: time))
    case ("lose", 3):
      simulation.inject(
        .lose(kind: command[1], from: first, to: UInt16(clamping: numbers[1]), count: Int(numbers[2])))
    case ("cutqueue", 2): simulation.inject(.cutFromQueue(.node(first), up: true, down: true, for: time))
    case ("order", 1): simulation.submit(order: Int(first))
    case ("show", 0): show(simulation)
    default: throw mistake
    }
    tell()
    if let violation = simulation.violations.first { throw Mistake(description: violation) }
  }

  private mutating func begun() -> Simulation {
    if let simulation { return simulation }
    let simulation = Simulation(seed: 1, profile: profile, tracer: tracer)
    self.simulation = simulation
    simulation.begin()
    return simulation
  }

  private mutating func show(_ simulation: Simulation) {
    output.append("          leader: " + (simulation.leader.map { "\($0)" } ?? "none that is effective"))
  }

  /// What has happened since, without heartbeats.
  private mutating func tell() {
    for line in tracer.lines.dropFirst(told) where line.kind != .heartbeat {
      if line.text.contains("LEADER-QUERY") { queriedAt = line.at }
      // Otherwise it only tells the leader that a follower is there.
      if line.text.contains("LEADER-HEARD"), line.at - 50_000_000 > queriedAt { continue }
      output.append("\(seconds(line.at))  \(line.text)")
    }
    told = tracer.lines.count
  }
}

extension Simulation {
  /// Starts an executor that is down.
  package func start(_ id: UInt16) { if let index = index(of: id) { boot(index) } }
}
