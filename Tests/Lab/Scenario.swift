import Foundation

/// A fault, and what must come of it while orders flow.
struct Scenario: Sendable {
  enum Expectation: Sendable {
    /// Another executor acts under a later epoch within this time.
    case takeover(within: Duration)
    /// The leader stays, and orders do not stop for longer than this.
    case noTakeover(pause: Duration)
    /// Whoever leads: nothing is done twice, and nothing is lost.
    case safety
  }

  let name: String
  let expectation: Expectation
  var expected = Expected()
  /// How long the fault lasts at least; a takeover is waited for.
  var lasts: Duration = .seconds(5)
  var slowCables = false
  /// Made before the fault: the conditions that it meets.
  var prepare: @Sendable (Lab) throws -> Void = { _ in }
  let inject: @Sendable (Lab) throws -> Void
  let heal: @Sendable (Lab) throws -> Void
}

extension Expected {
  /// Orders in flight at one executor: the default of `executor.credits`.
  static let credits = 16

  /// The leader is gone before it could lead beside another.
  static let loss = Expected(repeats: credits)
  /// Two led for a while without knowing of each other, and the winner tells of it once.
  static let splitBrain = Expected(repeats: credits, stories: 1...1)
}

extension Scenario {
  static let all: [Scenario] = [
    Scenario(
      name: "leader killed", expectation: .takeover(within: .milliseconds(1_500)), expected: .loss
    ) { lab in
      try lab.signal("executor-3", SIGKILL)
      try lab.process("executor-3")?.waitUntilOver()
    } heal: { lab in
      try lab.startExecutor(3)
    },
    Scenario(
      name: "leader terminated (SIGTERM)", expectation: .takeover(within: .milliseconds(1_500))
    ) { lab in
      try lab.signal("executor-3", SIGTERM)
      try lab.process("executor-3")?.waitUntilOver()
    } heal: { lab in
      try lab.startExecutor(3)
    },
    Scenario(
      name: "leader stopped (SIGSTOP)", expectation: .takeover(within: .milliseconds(2_500)),
      expected: .splitBrain
    ) { lab in
      try lab.signal("executor-3", SIGSTOP)
    } heal: { lab in
      try lab.signal("executor-3", SIGCONT)
    },
    Scenario(
      name: "leader's host cut off", expectation: .takeover(within: .milliseconds(2_500)),
      expected: .splitBrain
    ) { lab in
      try lab.network.cutOff(3)
    } heal: { lab in
      try lab.network.rejoin(3)
    },
    Scenario(
      name: "leader's interface replaced", expectation: .takeover(within: .milliseconds(2_500)),
      expected: Expected(repeats: 2 * Expected.credits, stories: 0...Int.max)
    ) { lab in
      try lab.network.removeInterface(of: 3)
    } heal: { lab in
      try lab.network.replaceInterface(of: 3)
      try lab.waitUntil("executor-3", says: "The election socket works again.")
    },
    Scenario(
      name: "interface replaced without a pause", expectation: .safety,
      expected: Expected(repeats: 2 * Expected.credits, stories: 0...Int.max)
    ) { lab in
      try lab.network.removeInterface(of: 3)
      try lab.network.replaceInterface(of: 3)
    } heal: { lab in
      try lab.waitUntil("executor-3", says: "The election socket works again.")
    },
    Scenario(
      name: "30 % loss on all hosts", expectation: .safety,
      // However often the leadership moves; each move is one more leader lost with its orders in flight.
      expected: Expected(repeats: 10 * Expected.credits, stories: 0...Int.max), lasts: .seconds(10)
    ) { lab in
      for host in LabNetwork.hosts { try lab.network.drop(from: host, "numgen random mod 100 < 30") }
    } heal: { lab in
      for host in LabNetwork.hosts { try lab.network.dropNothing(from: host) }
    },
    Scenario(
      name: "20 ± 10 ms, reordered; leader killed", expectation: .takeover(within: .seconds(2)),
      expected: .loss, slowCables: true,
      prepare: { lab in try lab.network.delay(.milliseconds(20), jitter: .milliseconds(10)) }
    ) { lab in
      try lab.signal("executor-3", SIGKILL)
      try lab.process("executor-3")?.waitUntilOver()
    } heal: { lab in
      try lab.startExecutor(3)
    },
    Scenario(
      name: "leader is not heard, hears all", expectation: .noTakeover(pause: .seconds(2)),
      expected: Expected(stories: 1...Int.max),
      lasts: .seconds(10)
    ) { lab in
      try lab.network.drop(from: 3, "udp dport 50060")
    } heal: { lab in
      try lab.network.dropNothing(from: 3)
    },
    Scenario(
      name: "leader cut off from the queue alone", expectation: .takeover(within: .seconds(3)),
      expected: .loss,
      lasts: .seconds(8)
    ) { lab in
      try lab.network.drop(from: 3, "tcp dport 50055")
    } heal: { lab in
      try lab.network.dropNothing(from: 3)
    },
  ]
}
