import CoreTime
import DaemonKit
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCSupport
import Logging
import NIOPosix
import OrderDomain
import OrderProtos
import OrderQueue
import OrderWire
import ServiceLifecycle
import SwiftProtobuf
import Synchronization
import Testing

typealias Client = Ordersd_V1_OrderQueue.Client<HTTP2ClientTransport.Posix>

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A folder that goes away with the test.
final class TemporaryFolder: Sendable {
  let path = NSTemporaryDirectory() + "order-queue-" + UUID().uuidString
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A queue, put together by its composition root, on a port of the kernel's choice.
struct RunningQueue: QueueCalls {
  let peer: Peer
  let store: EmbeddedQueueStore
  let report: @Sendable () async -> RoleReport
  let stop: @Sendable () async -> Void
}

/// The calls of a queue, wherever it runs.
protocol QueueCalls: Sendable {
  var peer: Peer { get }
}

extension QueueCalls {
  /// One call of the queue, with a deadline.
  func call<Reply: Sendable>(
    within limit: Duration = .seconds(10), _ body: (Client, CallOptions) async throws -> Reply
  ) async throws -> Reply {
    try await peer.call(deadline: limit) { client, options in
      try await body(Ordersd_V1_OrderQueue.Client(wrapping: client), options)
    }
  }

  /// What the call is refused with.
  func refusal<Reply: Sendable>(
    _ body: (Client, CallOptions) async throws -> Reply
  ) async throws -> ServiceError {
    do {
      _ = try await call(body)
    } catch let error as ServiceError {
      return error
    }
    throw TestFailure("the call was not refused")
  }
}

func configuration(_ folder: String, _ settings: [String: String] = [:]) throws -> OrderQueueConfiguration {
  var flags = [
    "state": folder, "order-queue.port": "0", "order-queue.backoff-initial": "0s",
    "order-queue.leadership-lease": "20s",
  ]
  flags.merge(settings) { $1 }
  let reader = SettingsReader(layers: [.flags(flags)])
  let configuration = OrderQueueConfiguration(reader: reader)
  try reader.validate()
  return configuration
}

func withQueue<Result: Sendable>(
  folder: String? = nil, _ settings: [String: String] = [:], clocks: Clocks = .system,
  heartbeats: Heartbeats? = nil,
  _ body: @Sendable (RunningQueue) async throws -> Result
) async throws -> Result {
  let temporary = TemporaryFolder()
  let configuration = try configuration(folder ?? temporary.path, settings)
  let group = MultiThreadedEventLoopGroup.singleton
  let quiet = Logger(label: "order-queue") { _ in SwiftLogNoOpLogHandler() }
  let context = DaemonContext(
    process: "order-queue", logger: quiet, clocks: clocks,
    heartbeats: heartbeats ?? Heartbeats(clocks: clocks), eventLoopGroup: group)
  let store = try EmbeddedQueueStore(path: configuration.file, context: context)
  let runtime = try await buildOrderQueue(configuration: configuration, context: context, store: store)
  let server = ServiceGroup(services: runtime.services, logger: quiet)
  let result = try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await server.run() }
    try await runtime.waitUntilListening()
    guard case .text(let address)? = await runtime.report().details["listening"] else {
      throw TestFailure("the report does not say where the role listens")
    }
    let endpoint = try #require(NetworkEndpoint(address))
    let peer = try Peer(service: "order-queue", endpoint: endpoint, eventLoopGroup: group)
    let client = ServiceGroup(services: [peer], logger: quiet)
    tasks.addTask { try await client.run() }
    let queue = RunningQueue(
      peer: peer, store: store, report: runtime.report, stop: { await server.triggerGracefulShutdown() })
    do {
      let result = try await body(queue)
      await client.triggerGracefulShutdown()
      await server.triggerGracefulShutdown()
      try await tasks.waitForAll()
      return result
    } catch {
      await client.triggerGracefulShutdown()
      await server.triggerGracefulShutdown()
      throw error
    }
  }
  withExtendedLifetime(temporary) {}
  return result
}

/// The system's clocks, of which the wall clock can be set, and both can go forward.
final class SettableClock: Sendable {
  private let offset = Mutex<Duration>(.zero)
  private let passed = Mutex<Duration>(.zero)

  var clocks: Clocks {
    Clocks(
      now: { Clocks.system.now() + self.passed.withLock { $0 } },
      wall: { Clocks.system.wall() + self.offset.withLock { $0 } + self.passed.withLock { $0 } })
  }

  /// Lets time pass. The queue takes it for a pause of its own.
  func advance(by duration: Duration) { passed.withLock { $0 += duration } }

  /// Sets the wall clock forward, or back.
  func set(by duration: Duration) { offset.withLock { $0 += duration } }
}

/// Waits for a condition, ten seconds at most.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(20))
  }
  throw TestFailure("not within ten seconds: \(what)")
}

private let lastID = Mutex<Int64>(Clocks.system.wall().milliseconds)

/// Each greater than the one before.
func newOrderID() -> String {
  var random = SystemRandomNumberGenerator()
  let time = lastID.withLock { last in
    last += 1
    return last
  }
  return OrderID(at: Timestamp(milliseconds: time), using: &random).description
}

func fence(_ epoch: UInt64, lane: String = "") -> Ordersd_V1_Fence {
  .with {
    $0.epoch = epoch
    $0.lane = lane
  }
}

extension QueueCalls {
  @discardableResult
  func enqueue(
    _ id: String, priority: UInt32 = 5, body: Data = Data("{}".utf8),
    _ more: (inout Ordersd_V1_EnqueueRequest) -> Void = { _ in }
  ) async throws -> Ordersd_V1_EnqueueReply {
    var request = Ordersd_V1_EnqueueRequest.with {
      $0.orderID = id
      $0.priority = priority
      $0.body = body
      $0.clock.components = ["orchestrator": 3]
    }
    more(&request)
    let final = request
    return try await call { client, options in try await client.enqueue(final, options: options) }
  }

  @discardableResult
  func claim(
    _ executor: UInt32, incarnation: UInt64 = 1, lane: String = ""
  ) async throws -> Ordersd_V1_ClaimReply {
    let request = Ordersd_V1_ClaimRequest.with {
      $0.executorID = executor
      $0.incarnation = incarnation
      $0.term = 1
      $0.lane = lane
    }
    return try await call { client, options in try await client.claim(request, options: options) }
  }

  func lease(_ epoch: UInt64, max: UInt32 = 10, ms: UInt32 = 0) async throws -> [Ordersd_V1_Delivery] {
    let request = Ordersd_V1_LeaseRequest.with {
      $0.fence = fence(epoch)
      $0.max = max
      $0.leaseMs = ms
    }
    return try await call { client, options in try await client.lease(request, options: options) }.deliveries
  }

  @discardableResult
  func ack(_ id: String, _ epoch: UInt64) async throws -> Ordersd_V1_AckReply {
    let request = ackRequest(id, epoch)
    return try await call { client, options in try await client.ack(request, options: options) }
  }

  @discardableResult
  func nack(
    _ id: String, _ epoch: UInt64, _ more: (inout Ordersd_V1_NackRequest) -> Void = { _ in }
  ) async throws -> Ordersd_V1_NackReply {
    var request = Ordersd_V1_NackRequest.with {
      $0.orderID = id
      $0.fence = fence(epoch)
      $0.reason = "no paper"
    }
    more(&request)
    let final = request
    return try await call { client, options in try await client.nack(final, options: options) }
  }

  func peek(_ id: String) async throws -> Ordersd_V1_PeekReply {
    try await call { client, options in try await client.peek(.with { $0.orderID = id }, options: options) }
  }

  func cancel(_ id: String) async throws -> Ordersd_V1_CancelReply {
    try await call { client, options in try await client.cancel(.with { $0.orderID = id }, options: options) }
  }

  /// All orders on disk, by id.
  func list() async throws -> [String: Ordersd_V1_Job] {
    var (found, after): ([String: Ordersd_V1_Job], String) = ([:], "")
    repeat {
      let from = after
      let page = try await call { client, options in
        try await client.list(
          .with {
            $0.limit = 1_000
            $0.after = from
          }, options: options)
      }
      for job in page.jobs { found[job.orderID] = job }
      after = page.next
    } while !after.isEmpty
    return found
  }

  func stats() async throws -> Ordersd_V1_StatsReply {
    try await call { client, options in try await client.stats(Ordersd_V1_StatsRequest(), options: options) }
  }

  /// Outcomes after a cursor, until there are `count`.
  func outcomes(after: UInt64, count: Int) async throws -> [Ordersd_V1_Outcome] {
    try await call { client, options in
      try await client.outcomes(.with { $0.after = after }, options: options) { response in
        var found: [Ordersd_V1_Outcome] = []
        for try await batch in response.messages {
          found += batch.outcomes
          if found.count >= count { break }
        }
        return found
      }
    }
  }
}

func ackRequest(_ id: String, _ epoch: UInt64) -> Ordersd_V1_AckRequest {
  .with {
    $0.orderID = id
    $0.fence = fence(epoch)
    $0.clock.components = ["executor-1": 2]
    $0.note = "sent"
  }
}
