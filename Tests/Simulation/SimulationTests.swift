import BullyElection
import CoreTime
import FoundationEssentials
import SimulationKit
import Testing

private func setting(_ name: String) -> UInt64? {
  ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
}

/// Runs a seed again with a trace and tells how it ended.
private func replay(_ seed: UInt64, lines: Int) -> String {
  let tracer = Tracer(limit: 1_000_000)
  let simulation = Simulation(seed: seed, profile: Profile(seed: seed), tracer: tracer)
  simulation.run()
  return """
    SIM_SEED=\(seed): \(simulation.violations.first ?? "no violation")
    \(tracer.tail(lines))
    """
}

/// `SIM_SEEDS=10000` runs so many seeds from `SIM_FROM` (1) on; `SIM_SEED=4711` replays one with its trace.
@Suite struct SimulationTests {
  @Test func everySeedKeepsItsPromises() {
    if let seed = setting("SIM_SEED") {
      let text = replay(seed, lines: .max)
      print(text)
      #expect(text.contains("no violation"))
      return
    }
    let from = setting("SIM_FROM") ?? 1
    let count = setting("SIM_SEEDS") ?? 300
    let clock = ContinuousClock()
    let start = clock.now
    var failures = 0
    var (events, executions, grants, slowest) = (0, 0, 0, Int64(0))
    for seed in from..<(from + count) {
      let simulation = Simulation(seed: seed, profile: Profile(seed: seed))
      simulation.run()
      events += simulation.events
      executions += simulation.statistics.executions
      grants += simulation.statistics.grants
      slowest = max(slowest, simulation.statistics.settledAfter)
      guard let violation = simulation.violations.first else { continue }
      failures += 1
      // The first ones in full; more of them would tell nothing new.
      print("seed \(seed): \(violation)")
      if failures <= 3 { Issue.record("\(replay(seed, lines: 60))") }
    }
    let took = max((clock.now - start).millisecondsClamped, 1)
    print(
      "\(count) seeds, \(failures) violations, \(Int64(count) * 1_000 / took) seeds/s, \(events) events, "
        + "\(grants) epochs, \(executions) executions, slowest recovery \(seconds(slowest)) s")
    #expect(failures == 0)
  }

  @Test func aSeedReplaysExactly() {
    for seed in UInt64(1)...5 { #expect(replay(seed, lines: .max) == replay(seed, lines: .max)) }
  }
}

/// The simulator finds what it is there to find: each deliberate mistake, in a bounded number of seeds.
@Suite struct MutationTests {
  @Test func everyMutationIsCaught() {
    let limit = setting("SIM_MUTATION_SEEDS") ?? 400
    print("mutation                       seeds  found as")
    for mutation in Mutation.allCases {
      var seed: UInt64 = 0
      var violation: String?
      while violation == nil, seed < limit {
        seed += 1
        let simulation = Simulation(seed: seed, profile: Profile(seed: seed), mutation: mutation)
        simulation.run()
        violation = simulation.violations.first
      }
      let name = mutation.rawValue + String(repeating: " ", count: 30 - mutation.rawValue.count)
      print("\(name) \(seed)  \(violation ?? "NOT CAUGHT")")
      #expect(violation != nil, "\(mutation.rawValue) was not caught in \(limit) seeds")
    }
  }
}

/// The number of datagrams that a failover costs grows linearly with the number of executors.
@Suite struct MessageCountTests {
  private func datagrams(nodes: Int, seed: UInt64) -> Int? {
    var profile = Profile()
    profile.nodes = (1...UInt16(nodes)).map { $0 }
    profile.startsTogether = true
    profile.faultsUntil = .seconds(600)
    let simulation = Simulation(seed: seed, profile: profile)
    simulation.begin()
    simulation.advance(by: .seconds(12))
    guard simulation.leader == UInt16(nodes) else { return nil }
    let before = simulation.statistics.electionDatagrams
    simulation.inject(.crash(.node(UInt16(nodes)), isPowerLoss: false, restartAfter: nil))
    simulation.advance(by: .seconds(3))
    guard simulation.leader == UInt16(nodes) - 1 else { return nil }
    return simulation.statistics.electionDatagrams - before
  }

  @Test func messagesPerElectionGrowLinearly() {
    print("executors  datagrams per failover (mean of 3)  per executor")
    var perExecutor: [Double] = []
    for nodes in [3, 10, 30, 100] {
      let counts = (1...3).compactMap { datagrams(nodes: nodes, seed: $0) }
      #expect(counts.count == 3, "\(nodes) executors did not agree on a leader in every run")
      let mean = Double(counts.reduce(0, +)) / Double(max(counts.count, 1))
      perExecutor.append(mean / Double(nodes))
      print("\(nodes)  \(tenths(mean))  \(tenths(mean / Double(nodes)))")
    }
    // Quadratic growth would make it 33 times as many.
    if let first = perExecutor.first, let last = perExecutor.last { #expect(last <= 3 * first) }
  }

  private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
