import DaemonKit
import Executor
import GRPCCore
import GRPCSupport
import NIOPosix
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct LeadershipTests {
  private static func ends(_ members: [Cluster.Member]) async {
    for member in members { await member.kill() }
  }

  @Test func theHighestIDLeadsAndEachOrderIsExecutedOnce() async throws {
    try await Cluster.run { cluster in
      let members = [try await cluster.start(1), try await cluster.start(2), try await cluster.start(3)]
      try await eventually("executor-3 holds the epoch") { await cluster.queue.holder == 3 }
      let orders = Cluster.orders(40)
      await cluster.queue.enqueue(orders)
      try await eventually("all are executed") { await cluster.queue.deeds.count >= orders.count }
      let deeds = await cluster.queue.deeds
      #expect(deeds.map(\.order).sorted() == orders.sorted())
      try await eventually("the others follow") {
        await members[0].runtime.report().summary.hasPrefix("follower of executor-3")
      }
      #expect(await members[2].runtime.report().summary.hasPrefix("leader term"))
      let clock = await cluster.queue.acknowledged.first?.clock.components ?? [:]
      #expect(clock["order-queue"] == 1)
      #expect(clock["executor-3"] == 3, "received, began, sent: \(clock)")
      await Self.ends(members)
    }
  }

  @Test func whenTheLeaderDiesTheNextOneLeadsUnderANewEpoch() async throws {
    try await Cluster.run { cluster in
      let first = try await cluster.start(1)
      let second = try await cluster.start(2)
      try await eventually("executor-2 holds the epoch") { await cluster.queue.holder == 2 }
      let before = await cluster.queue.epoch
      await second.kill()
      let orders = Cluster.orders(5)
      await cluster.queue.enqueue(orders)
      try await eventually("executor-1 executes them") { await cluster.queue.deeds.count == orders.count }
      let deeds = await cluster.queue.deeds
      #expect(deeds.allSatisfy { $0.executor == 1 && $0.epoch > before })
      await Self.ends([first])
    }
  }

  @Test func aHigherIDTakesOverPolitely() async throws {
    try await Cluster.run { cluster in
      let slow = [
        "executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sleep,0.5",
      ]
      let first = try await cluster.start(1, slow)
      try await eventually("executor-1 holds the epoch") { await cluster.queue.holder == 1 }
      let orders = Cluster.orders(4)
      await cluster.queue.enqueue(orders)
      try await eventually("they run") { await first.runtime.report().details["in_flight"] == 4 }
      let second = try await cluster.start(2, slow)
      try await eventually("executor-2 holds the epoch") { await cluster.queue.holder == 2 }
      let deeds = await cluster.queue.deeds
      #expect(Set(deeds.map(\.order)) == Set(orders), "what ran was finished before the handover")
      #expect(deeds.allSatisfy { $0.executor == 1 })
      #expect(await cluster.queue.resignations.contains("handed over"))
      await Self.ends([first, second])
    }
  }

  @Test func aBrokenStreamCostsNeitherTheEpochNorTheOrder() async throws {
    try await Cluster.run { cluster in
      let member = try await cluster.start(
        7, ["executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sleep,0.4"])
      try await eventually("executor-7 holds the epoch") { await cluster.queue.holder == 7 }
      let epoch = await cluster.queue.epoch
      let orders = Cluster.orders(2)
      await cluster.queue.enqueue(orders)
      try await eventually("they run") { await member.runtime.report().details["in_flight"] == 2 }
      await cluster.queue.breakStreams()
      try await eventually("they are done") { await cluster.queue.deeds.count == 2 }
      let deeds = await cluster.queue.deeds
      #expect(deeds.allSatisfy { $0.epoch == epoch })
      #expect(await cluster.queue.delivered.count == 2, "nothing was delivered twice")
      await Self.ends([member])
    }
  }

  @Test func aGracefulStopFinishesAndResigns() async throws {
    try await Cluster.run { cluster in
      let member = try await cluster.start(
        4, ["executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sleep,0.3"])
      try await eventually("executor-4 holds the epoch") { await cluster.queue.holder == 4 }
      await cluster.queue.enqueue(Cluster.orders(2))
      try await eventually("they run") { await member.runtime.report().details["in_flight"] == 2 }
      let started = ContinuousClock.now
      await member.stop()
      #expect(ContinuousClock.now - started < .seconds(4))
      #expect(await cluster.queue.deeds.count == 2)
      #expect(await cluster.queue.resignations.count == 1)
    }
  }

  @Test func whatTheCommandSaysDecidesAboutTheOrder() async throws {
    try await Cluster.run { cluster in
      let script = "echo no such customer >&2; exit 2"
      let member = try await cluster.start(
        1, ["executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sh,-c,\(script)"])
      await cluster.queue.enqueue(Cluster.orders(1))
      try await eventually("it is refused") { await cluster.queue.nacks.count == 1 }
      let nack = await cluster.queue.nacks.first
      #expect(nack?.permanent == true)
      #expect(nack?.reason == "exit status 2: no such customer")
      await Self.ends([member])
    }
  }

  @Test func aMissingCommandMakesIneligible() async throws {
    try await Cluster.run { cluster in
      let broken = [
        "executor.fulfilment.kind": "command", "executor.fulfilment.command": "/nonexistent/ship",
      ]
      let high = try await cluster.start(9, broken)
      let low = try await cluster.start(1)
      try await eventually("the eligible one leads") { await cluster.queue.holder == 1 }
      let report = await high.runtime.report()
      #expect(report.problems == ["fulfilment: /nonexistent/ship is not an executable file"])
      await Self.ends([high, low])
    }
  }

  @Test func withoutAQueueItIsReadyButIneligible() async throws {
    try await Cluster.run { cluster in
      let member = try await cluster.start(1, ["order-queue.endpoint": "127.0.0.1:1"])
      try await eventually("it says why") {
        await member.runtime.report().summary == "ineligible: cannot reach order-queue"
      }
      await Self.ends([member])
    }
  }

  @Test func anOperatorCanMakeItStepDown() async throws {
    try await Cluster.run { cluster in
      let port = Int.random(in: 32_000...32_700)
      let low = try await cluster.start(1)
      let high = try await cluster.start(2, ["executor.port": "\(port)"])
      try await eventually("executor-2 holds the epoch") { await cluster.queue.holder == 2 }
      let control = try Peer(
        service: "executor-2", endpoint: NetworkEndpoint(host: "127.0.0.1", port: port),
        eventLoopGroup: .singleton)
      let connection = Task { try? await control.run() }
      let reply = try await control.call(deadline: .seconds(10)) { client, options in
        try await Ordersd_V1_ExecutorControl.Client(wrapping: client).stepDown(
          .with { $0.forMs = 60_000 }, options: options)
      }
      #expect(reply.steppedDown)
      try await eventually("executor-1 holds the epoch") { await cluster.queue.holder == 1 }
      let status = try await control.call(deadline: .seconds(5)) { client, options in
        try await Ordersd_V1_ExecutorControl.Client(wrapping: client).getStatus(.init(), options: options)
      }
      #expect(!status.eligible)
      #expect(status.ineligibleReason == "stepped down")
      connection.cancel()
      await Self.ends([low, high])
    }
  }

  @Test func aFencedLeaderStopsAtOnceAndItsCommandsWithIt() async throws {
    try await Cluster.run { cluster in
      let member = try await cluster.start(
        5, ["executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sleep,30"])
      try await eventually("executor-5 holds the epoch") { await cluster.queue.holder == 5 }
      await cluster.queue.enqueue(Cluster.orders(3))
      try await eventually("they run") { await member.runtime.report().details["in_flight"] == 3 }
      let before = await cluster.queue.epoch
      // Somebody on the other side of a partition.
      let stranger = await cluster.queue.claim(
        .with {
          $0.executorID = 60_000
          $0.incarnation = 1
        })
      #expect(stranger.epoch == before + 1)
      try await eventually("it holds nothing any more") {
        let details = await member.runtime.report().details
        return details["in_flight"] == 0 && details["epoch"] == 0
      }
      #expect(await cluster.queue.deeds.isEmpty)
      // The stranger goes: the machine is still the leader, asks again, and gets the next epoch.
      await cluster.queue.resign(.with { $0.fence.epoch = stranger.epoch })
      try await eventually("it leads again") { await cluster.queue.holder == 5 }
      #expect(await cluster.queue.epoch == before + 2)
      await Self.ends([member])
    }
  }

  @Test func anExecutorOfAnotherClusterIsNotHeard() async throws {
    try await Cluster.run { cluster in
      let own = try await cluster.start(1)
      let foreign = try await cluster.start(
        8, ["election.cluster": "other", "order-queue.endpoint": "127.0.0.1:1"])
      try await eventually("executor-1 holds the epoch") { await cluster.queue.holder == 1 }
      #expect(await own.runtime.report().details["peers"] == .list([]))
      await Self.ends([own, foreign])
    }
  }

  @Test func aLeaderThatLosesTheQueueStopsByItself() async throws {
    try await Cluster.run { cluster in
      let member = try await cluster.start(
        6, ["executor.fulfilment.kind": "command", "executor.fulfilment.command": "/bin/sleep,60"])
      try await eventually("executor-6 holds the epoch") { await cluster.queue.holder == 6 }
      await cluster.queue.enqueue(Cluster.orders(1))
      try await eventually("it runs") { await member.runtime.report().details["in_flight"] == 1 }
      let lost = ContinuousClock.now
      await cluster.loseQueue()
      try await eventually("its trust runs out") {
        let report = await member.runtime.report()
        return report.summary == "ineligible: cannot reach order-queue" && report.details["in_flight"] == 0
      }
      // The lease of the fake is 3 s; half a second is the margin, the rest the killing of the command.
      #expect(ContinuousClock.now - lost < .seconds(6))
      await Self.ends([member])
    }
  }

  @Test func aWrongInterfaceIsToldWithItsSetting() async throws {
    try await Cluster.run { cluster in
      do {
        let member = try await cluster.start(1, ["election.interface": "192.0.2.1"])
        await member.kill()
        Issue.record("192.0.2.1 is nobody's address (RFC 5737)")
      } catch {
        #expect("\(error)".contains("192.0.2.1") || "\(error)".contains("this machine"), "\(error)")
      }
    }
  }
}
