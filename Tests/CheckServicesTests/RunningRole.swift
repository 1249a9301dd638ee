import CoreTime
import DaemonKit
import GRPCCore
import GRPCSupport
import Logging
import NIOPosix
import OrderProtos
import ServiceLifecycle
import Synchronization
import Testing

/// A role, put together by its composition root, that listens on a port of the kernel's choice.
struct RunningRole: Sendable {
  let peer: Peer
  let log: LogRecorder
  let report: @Sendable () async -> RoleReport
  /// Begins the graceful stop of the server.
  let stop: @Sendable () async -> Void
  /// Returns when the server has stopped.
  let stopped: @Sendable () async -> Void
}

typealias Build = @Sendable (DaemonContext) async throws -> RoleRuntime

/// 2026-11-22T12:00:00Z
let testTime = Timestamp(milliseconds: 1_795_348_800_000)

func withRole<Result: Sendable>(
  _ process: String, _ build: Build, heartbeats: Heartbeats? = nil,
  _ body: @Sendable (RunningRole) async throws -> Result
) async throws -> Result {
  let log = LogRecorder()
  let group = MultiThreadedEventLoopGroup.singleton
  let clocks = Clocks(now: Clocks.system.now, wall: { testTime })
  let context = DaemonContext(
    process: process, logger: Logger(label: process) { _ in log.handler() }, clocks: clocks,
    heartbeats: heartbeats ?? Heartbeats(clocks: clocks), eventLoopGroup: group)
  let runtime = try await build(context)
  let quiet = Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
  let server = ServiceGroup(services: runtime.services, logger: quiet)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    let (ended, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    tasks.addTask {
      defer { end.finish() }
      try await server.run()
    }
    try await runtime.waitUntilListening()
    guard case .text(let address)? = await runtime.report().details["listening"] else {
      throw TestFailure("the report does not say where the role listens")
    }
    let endpoint = try #require(NetworkEndpoint(address))
    let peer = try Peer(service: process, endpoint: endpoint, eventLoopGroup: group)
    let client = ServiceGroup(services: [peer], logger: quiet)
    tasks.addTask { try await client.run() }
    let role = RunningRole(
      peer: peer, log: log, report: runtime.report, stop: { await server.triggerGracefulShutdown() },
      stopped: { for await _ in ended {} })
    let result = try await body(role)
    await client.triggerGracefulShutdown()
    await server.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return result
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Keeps what was logged, as text.
final class LogRecorder: Sendable {
  private let entries = Mutex<[String]>([])

  var lines: [String] { entries.withLock { $0 } }

  func handler() -> any LogHandler { Handler(recorder: self) }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
      recorder.entries.withLock { $0.append("\(event.level) \(event.message)" + fields.joined()) }
    }
  }
}
