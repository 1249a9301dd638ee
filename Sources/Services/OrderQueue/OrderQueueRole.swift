package import DaemonKit
import GRPCSupport
import OrderStore
import ServiceLifecycle
import Synchronization

/// Puts the role together: the store, the engine, the gRPC server. Production and tests alike.
///
/// Throws `StoreOpenError` when the store cannot be opened.
package func buildOrderQueue(
  configuration: OrderQueueConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  let store = try EmbeddedQueueStore(path: configuration.file, context: context)
  return try await buildOrderQueue(configuration: configuration, context: context, store: store)
}

/// As above, over a store of the caller's choice.
package func buildOrderQueue(
  configuration: OrderQueueConfiguration, context: DaemonContext, store: any QueueStore
) async throws -> RoleRuntime {
  let engine = try await QueueEngine.open(store: store, configuration: configuration, context: context)
  let server = RoleServer(
    endpoint: configuration.server, setting: "order-queue.port",
    services: [OrderQueueProvider(engine: engine)],
    context: context)
  let endpoint = Slot<NetworkEndpoint>()
  return RoleRuntime(
    // Stopped in reverse: the streams end, then the server, then the engine with its store.
    services: [EngineService(engine: engine), server, StreamEnder(engine: engine)],
    waitUntilListening: {
      let listening = try await server.listening()
      endpoint.value.withLock { $0 = listening }
    },
    report: {
      var report = await engine.report()
      if let endpoint = endpoint.value.withLock({ $0 }) { report.details["listening"] = .text("\(endpoint)") }
      return report
    },
    onHealth: { server.attach($0) })
}

/// Runs the engine's loop, and closes the store at the end.
private struct EngineService: Service {
  let engine: QueueEngine

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await engine.run() }
        group.addTask { await engine.keepHouse() }
      }
    }
    try await engine.finishStop()
  }
}

/// Ends the long-lived streams when the stop begins, so that the server need not wait for its peers to do so.
private struct StreamEnder: Service {
  let engine: QueueEngine

  func run() async throws {
    // Cancelled instead of asked to stop: the end is the same.
    try? await gracefulShutdown()
    engine.beginStop()
  }
}
