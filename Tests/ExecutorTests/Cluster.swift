import CoreTime
import DaemonKit
import Executor
import GRPCCore
import GRPCSupport
import JournalLog
import Logging
import NIOPosix
import OrderDomain
import ServiceLifecycle
import Testing

/// A fake queue behind a real gRPC server, and real executors that elect over loopback multicast.
final class Cluster: Sendable {
  /// One executor in this process.
  struct Member: Sendable {
    let runtime: RoleRuntime
    let group: ServiceGroup
    let task: Task<Void, Never>

    /// As kill -9 would: nobody is told.
    func kill() async {
      task.cancel()
      await task.value
    }

    func stop() async {
      await group.triggerGracefulShutdown()
      await task.value
    }
  }

  let queue: FakeQueue
  let endpoint: NetworkEndpoint
  private let name: String
  private let port: Int
  private let server: Task<Void, Never>

  private init(endpoint: NetworkEndpoint, server: Task<Void, Never>, queue: FakeQueue) {
    self.endpoint = endpoint
    self.server = server
    self.queue = queue
    port = Int.random(in: 20_000...31_000)
    name = "test-\(UInt64.random(in: 0...UInt64.max))"
  }

  /// Runs `body` with a cluster and ends everything afterwards.
  static func run(_ body: (Cluster) async throws -> Void) async throws {
    let queue = FakeQueue()
    let context = context("order-queue")
    let server = RoleServer(
      endpoint: NetworkEndpoint(host: "127.0.0.1", port: 0), setting: "port",
      services: [FakeQueueProvider(queue: queue)], context: context)
    let health = RoleHealth(
      role: "order-queue", heartbeats: context.heartbeats, report: { RoleReport(summary: "fake") })
    server.attach(health)
    health.becameReady()
    let group = ServiceGroup(services: [server], logger: context.logger)
    let task = Task { await quietly(group) }
    let cluster = Cluster(endpoint: try await server.listening(), server: task, queue: queue)
    do {
      try await body(cluster)
    } catch {
      task.cancel()
      await task.value
      throw error
    }
    task.cancel()
    await task.value
  }

  /// The queue's process is gone.
  func loseQueue() async {
    server.cancel()
    await server.value
  }

  func start(
    _ id: Int, _ more: [String: String] = [:], heartbeats: Heartbeats = Heartbeats(clocks: .system)
  ) async throws -> Member {
    var flags = [
      "executor.id": "\(id)", "executor.port": "0", "order-queue.endpoint": "\(endpoint)",
      "election.port": "\(port)", "election.cluster": name,
    ]
    flags.merge(more) { _, new in new }
    let reader = SettingsReader(layers: [.flags(flags)])
    let configuration = ExecutorConfiguration(reader: reader)
    try reader.validate()
    let context = Self.context("executor-\(id)", heartbeats)
    let runtime = try await buildExecutor(configuration: configuration, context: context)
    let group = ServiceGroup(services: runtime.services, logger: context.logger)
    let member = Member(runtime: runtime, group: group, task: Task { await Self.quietly(group) })
    try await runtime.waitUntilListening()
    return member
  }

  static func orders(_ count: Int) -> [String] {
    var random = SystemRandomNumberGenerator()
    return (0..<count).map { number in
      "\(OrderID(at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(number)), using: &random))"
    }
  }

  static func context(
    _ process: String, _ heartbeats: Heartbeats = Heartbeats(clocks: .system)
  ) -> DaemonContext {
    var logger = Logger(label: process) { label in
      StandardErrorLogHandler(
        label: label, threshold: LogThreshold(.error), format: .text, inJournal: false, clocks: .system)
    }
    logger.logLevel = .error
    return DaemonContext(
      process: process, logger: logger, clocks: .system, heartbeats: heartbeats,
      eventLoopGroup: .singleton)
  }

  private static func quietly(_ group: ServiceGroup) async {
    // Being cancelled is how a test ends it.
    try? await group.run()
  }
}

/// Waits until `condition` holds; fails when it doesn't within 15 s.
func eventually(
  _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async -> Bool
) async throws {
  let deadline = ContinuousClock.now + .seconds(15)
  while !(await condition()) {
    if ContinuousClock.now > deadline {
      Issue.record(what, sourceLocation: sourceLocation)
      throw NeverHappened()
    }
    try await Task.sleep(for: .milliseconds(20))
  }
}

struct NeverHappened: Error {}
