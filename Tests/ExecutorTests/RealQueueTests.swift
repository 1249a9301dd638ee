import DaemonKit
import Foundation
import GRPCCore
import GRPCSupport
import NIOPosix
import OrderProtos
import OrderQueue
import OrderWire
import ServiceLifecycle
import SwiftProtobuf
import Testing

/// Executors on the queue that is shipped, with commands that take their time to end.
@Suite(.timeLimit(.minutes(2))) struct RealQueueTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("executor-\(UInt64.random(in: 0...UInt64.max))").path

  /// Runs `body` with the queue's endpoint.
  private func withQueue(_ body: (String) async throws -> Void) async throws {
    // Longer than tests beside it can hold this process up.
    let settings = ["state": folder, "order-queue.port": "0", "order-queue.leadership-lease": "20s"]
    let reader = SettingsReader(layers: [.flags(settings)])
    let configuration = OrderQueueConfiguration(reader: reader)
    try reader.validate()
    let context = Cluster.context("order-queue")
    let runtime = try await buildOrderQueue(configuration: configuration, context: context)
    let group = ServiceGroup(services: runtime.services, logger: context.logger)
    let task = Task { try await group.run() }
    try await runtime.waitUntilListening()
    let health = RoleHealth(role: "order-queue", heartbeats: context.heartbeats, report: runtime.report)
    runtime.onHealth(health)
    health.becameReady()
    guard case .text(let endpoint)? = await runtime.report().details["listening"] else {
      throw NeverHappened()
    }
    try await body(endpoint)
    await group.triggerGracefulShutdown()
    try await task.value
  }

  /// A command of its own for one executor.
  private func script(_ name: String, _ text: String) throws -> String {
    let path = "\(folder)/\(name)"
    try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func settings(_ endpoint: String, _ command: String) -> [String: String] {
    [
      "order-queue.endpoint": endpoint, "executor.fulfilment.kind": "command",
      "executor.fulfilment.command": command,
    ]
  }

  private func holdsTheEpoch(_ member: Cluster.Member) async -> Bool {
    guard case .integer(let epoch)? = await member.runtime.report().details["epoch"] else { return false }
    return epoch > 0
  }

  @Test func theNextLeaderStartsNothingThatStillRunsAtTheFormer() async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // The order is carried out by a process that does not listen to SIGTERM.
    let stubborn = try script("stubborn", "trap '' TERM\necho $$ >'\(folder)/pid'\nsleep 30")
    let witness = try script(
      "witness",
      """
      kill -0 "$(cat '\(folder)/pid')" 2>/dev/null && beside=running || beside=ended
      echo "attempt $ATTEMPT, the former $beside" >'\(folder)/seen.new'
      mv '\(folder)/seen.new' '\(folder)/seen'
      """)
    try await withQueue { endpoint in
      try await Cluster.run { cluster in
        let former = try await cluster.start(3, settings(endpoint, stubborn))
        try await eventually("executor-3 holds the epoch") { await holdsTheEpoch(former) }
        let next = try await cluster.start(1, settings(endpoint, witness))
        try await eventually("executor-1 follows") {
          await next.runtime.report().summary.hasPrefix("follower of executor-3")
        }
        try await enqueue(try #require(Cluster.orders(1).first), endpoint)
        try await eventually("it runs at executor-3") {
          FileManager.default.fileExists(atPath: "\(folder)/pid")
        }

        try FileManager.default.removeItem(atPath: stubborn)
        try await eventually("executor-1 has carried it out") {
          FileManager.default.fileExists(atPath: "\(folder)/seen")
        }
        let seen = try String(contentsOfFile: "\(folder)/seen", encoding: .utf8)
        #expect(seen == "attempt 1, the former ended\n")
        for member in [former, next] { await member.kill() }
      }
    }
  }

  private func enqueue(_ order: String, _ endpoint: String) async throws {
    let peer = try Peer(
      service: "order-queue", endpoint: try #require(NetworkEndpoint(endpoint)), eventLoopGroup: .singleton)
    let connection = Task { try? await peer.run() }
    defer { connection.cancel() }
    let request = Ordersd_V1_EnqueueRequest.with {
      $0.orderID = order
      $0.body = Data("{}".utf8)
      $0.clock.components = ["orchestrator": 1]
    }
    _ = try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).enqueue(request, options: options)
    }
  }
}
