import CoreTime
import DaemonKit
import GRPCCore
import GRPCProtobuf
import GRPCSupport
import Logging
import NIOPosix
import OrderDomain
import OrderProtos
import OrderWire
import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// The order-queue as suggestions sees it: tells what a test wants told.
final class OutcomeTeller: RegistrableRPCService {
  private struct State {
    var outcomes: [Ordersd_V1_Outcome] = []
    /// The cursors with which the stream was opened.
    var cursors: [UInt64] = []
    var refusal: (cursor: UInt64, error: ServiceError)?
    var repeats = false
    var generation = 0
  }

  private let state = Mutex(State())

  var cursors: [UInt64] { state.withLock { $0.cursors } }

  /// An order with these SKUs was executed, or became something else.
  func tell(
    _ skus: [String], _ kind: Ordersd_V1_Outcome.Kind = .executed, atMs: Int64 = testTime.milliseconds
  ) {
    state.withLock { state in
      let last = state.outcomes.last?.sequence ?? 0
      state.outcomes.append(
        .with {
          $0.sequence = last + 1
          $0.orderID = newOrderID().description
          $0.kind = kind
          $0.atMs = atMs
          if !skus.isEmpty {
            $0.basket.items = skus.map { sku in
              .with {
                $0.sku = sku
                $0.quantity = 1
              }
            }
          }
        })
    }
  }

  /// Every stream begins at the very first outcome from now on.
  func repeatEverything() { state.withLock { $0.repeats = true } }
  /// Ends the open streams.
  func breakStreams() { state.withLock { $0.generation += 1 } }
  /// What it says to those who come with `cursor`.
  func refuse(_ cursor: UInt64, _ error: ServiceError) { state.withLock { $0.refusal = (cursor, error) } }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: Ordersd_V1_OrderQueue.Method.Outcomes.descriptor,
      deserializer: ProtobufDeserializer<Ordersd_V1_OutcomesRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_OutcomeBatch>()
    ) { request, context in
      let after = try await ServerRequest(stream: request).message.after
      return StreamingServerResponse { writer in
        try await self.follow(after, writer, context)
        return [:]
      }
    }
  }

  private func follow(
    _ after: UInt64, _ writer: RPCWriter<Ordersd_V1_OutcomeBatch>, _ context: ServerContext
  ) async throws {
    let (generation, repeats) = try state.withLock { state in
      state.cursors.append(after)
      if let refusal = state.refusal, refusal.cursor == after { throw refusal.error }
      return (state.generation, state.repeats)
    }
    var sent = repeats ? 0 : after
    while !context.cancellation.isCancelled {
      let (new, isOver) = state.withLock { state in
        (state.outcomes.filter { $0.sequence > sent }, state.generation != generation)
      }
      if isOver { return }
      if let last = new.last {
        try await writer.write(.with { $0.outcomes = new })
        sent = last.sequence
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}

/// Runs `teller` as a queue for the time of `body`, which gets its address.
func withQueue<Result: Sendable>(
  _ teller: OutcomeTeller, _ body: @Sendable (String) async throws -> Result
) async throws -> Result {
  let context = DaemonContext(
    process: "order-queue", logger: Logger(label: "order-queue") { _ in SwiftLogNoOpLogHandler() },
    clocks: .system, heartbeats: Heartbeats(clocks: .system), eventLoopGroup: .singleton)
  let server = RoleServer(
    endpoint: NetworkEndpoint(host: "127.0.0.1", port: 0), setting: "none", services: [teller],
    context: context)
  let group = ServiceGroup(services: [server], logger: context.logger)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let endpoint = try await server.listening()
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body("\(endpoint)")) } catch { outcome = .failure(error) }
    teller.breakStreams()
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return try outcome.get()
  }
}
