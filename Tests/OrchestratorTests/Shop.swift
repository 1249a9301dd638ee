import CoreTime
import DaemonKit
import GRPCCore
import GRPCSupport
import Logging
import NIOCore
import NIOPosix
import Orchestrator
import OrderDomain
import OrderProtos
import ServiceLifecycle
import Synchronization
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The services around an orchestrator, and its folder: what stays when it is restarted.
struct Surroundings: Sendable {
  let verification: FakeCheck
  let fraud: FakeCheck
  let suggestions: FakeCheck
  let queue: FakeQueue
  let log: LogRecorder
  let folder: String
  fileprivate let endpoints: [String: NetworkEndpoint]
  let context: DaemonContext
  fileprivate let servers: ServiceGroup
  fileprivate let queueServer: RoleServer

  /// Starts the queue that `withSurroundings(queueIsUp: false)` left out.
  func openQueue() async throws {
    await servers.addServiceUnlessShutdown(queueServer)
    _ = try await queueServer.listening()
  }
}

/// An orchestrator that serves.
struct Shop: Sendable {
  let http: HTTPEndpoint
  let report: @Sendable () async -> RoleReport

  /// Polls the order until it is in `state`. Returns it as it is then, or at the deadline.
  func order(_ id: String, in state: String) async throws -> JSON {
    let deadline = ContinuousClock.now + .seconds(10)
    while true {
      let order = try await http.get("/v1/orders/\(id)").json()
      if order["state"].text == state || ContinuousClock.now > deadline { return order }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}

/// Waits for a condition, 10 s at most. Returns whether it holds.
func eventually(_ condition: @Sendable () async throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await condition() { return true }
    try await Task.sleep(for: .milliseconds(20))
  }
  return try await condition()
}

private let quiet = Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
private let anyPort = NetworkEndpoint(host: "127.0.0.1", port: 0)
/// tcpmux, which nothing serves.
/// Ports for queues that come later than those who ask for them, so that the kernel cannot choose: each is used once in
/// this process, and all lie above those that the kernel gives to connections (ip_local_port_range, ip(7)).
private enum QueuePorts {
  private static let last = Atomic<Int>(61_200 + Int.random(in: 0..<2_000))

  static func next() -> Int { last.add(1, ordering: .relaxed).newValue }
}

private let nobody = NetworkEndpoint(host: "127.0.0.1", port: 1)

/// Runs the fakes for the time of `body`. `down`: checks that nobody serves.
func withSurroundings<Result: Sendable>(
  down: Set<String> = [], queueIsUp: Bool = true, heartbeats: Heartbeats = Heartbeats(clocks: .system),
  _ body: @Sendable (Surroundings) async throws -> Result
) async throws -> Result {
  let group = MultiThreadedEventLoopGroup.singleton
  let log = LogRecorder()
  let context = DaemonContext(
    process: "orchestrator", logger: Logger(label: "orchestrator") { _ in log.handler() }, clocks: .system,
    heartbeats: heartbeats, eventLoopGroup: group)
  func server(_ service: any RegistrableRPCService, _ endpoint: NetworkEndpoint = anyPort) -> RoleServer {
    RoleServer(endpoint: endpoint, setting: "test", services: [service], context: context)
  }
  let checks = [
    FakeCheck(
      "transaction-verification", session: Ordersd_V1_TransactionVerification.Method.Session.descriptor),
    FakeCheck(
      "fraud-detection", session: Ordersd_V1_FraudDetection.Method.Session.descriptor),
    FakeCheck(
      "suggestions", session: Ordersd_V1_Suggestions.Method.Session.descriptor),
  ]
  let queueEndpoint = NetworkEndpoint(host: "127.0.0.1", port: QueuePorts.next())
  let queue = FakeQueue()
  let queueServer = server(queue, queueEndpoint)
  let checkServers = checks.filter { !down.contains($0.name) }.map { ($0.name, server($0)) }
  let servers = ServiceGroup(
    services: checkServers.map(\.1) + (queueIsUp ? [queueServer] : []), logger: quiet)
  let folder = FileManager.default.temporaryDirectory.path + "/ordersd-test-\(UInt64.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await servers.run() }
    var endpoints = ["order-queue": queueEndpoint]
    for name in down { endpoints[name] = nobody }
    for (name, server) in checkServers { endpoints[name] = try await server.listening() }
    if queueIsUp { _ = try await queueServer.listening() }
    let surroundings = Surroundings(
      verification: checks[0], fraud: checks[1], suggestions: checks[2], queue: queue, log: log,
      folder: folder,
      endpoints: endpoints, context: context, servers: servers, queueServer: queueServer)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(surroundings)) } catch { outcome = .failure(error) }
    await servers.triggerGracefulShutdown()
    try await tasks.waitForAll()
    try FileManager.default.removeItem(atPath: folder)
    return try outcome.get()
  }
}

/// Runs the orchestrator, put together by its composition root, for the time of `body`.
func withShop<Result: Sendable>(
  _ surroundings: Surroundings, _ flags: [String: String] = [:],
  _ body: @Sendable (Shop) async throws -> Result
) async throws -> Result {
  var settings = ["orchestrator.port": "0", "state": surroundings.folder]
  for (service, endpoint) in surroundings.endpoints { settings["\(service).endpoint"] = "\(endpoint)" }
  let reader = SettingsReader(layers: [.flags(settings.merging(flags) { $1 })])
  let configuration = OrchestratorConfiguration(reader: reader, environment: [:])
  try reader.validate()
  let runtime = try await buildOrchestrator(configuration: configuration, context: surroundings.context)
  let services = ServiceGroup(services: runtime.services, logger: quiet)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await services.run() }
    try await runtime.waitUntilListening()
    let line = try #require(surroundings.log.lines.last { $0.contains("Serving REST") })
    let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
    let shop = Shop(http: HTTPEndpoint(host: "127.0.0.1", port: port), report: runtime.report)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(shop)) } catch { outcome = .failure(error) }
    await services.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return try outcome.get()
  }
}

/// Both, for a test that restarts nothing.
func withShop<Result: Sendable>(
  down: Set<String> = [], queueIsUp: Bool = true, _ flags: [String: String] = [:],
  _ body: @Sendable (Shop, Surroundings) async throws -> Result
) async throws -> Result {
  try await withSurroundings(down: down, queueIsUp: queueIsUp) { surroundings in
    try await withShop(surroundings, flags) { shop in try await body(shop, surroundings) }
  }
}

/// What callbacks told, in its order.
final class Gathered<Element: Sendable>: Sendable {
  private let elements = Mutex<[Element]>([])

  var values: [Element] { elements.withLock { $0 } }

  func append(_ element: Element) { elements.withLock { $0.append(element) } }
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

/// `examples/order.json`, with a card and an amount of items of the test's choice.
func orderBody(card: String = "4111111111111111", cvv: String = "123", quantity: Int = 2) -> String {
  """
  { "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
    "items": [{"sku": "book-dune", "quantity": \(quantity)}],
    "billingAddress": {"street": "Ülikooli 18", "city": "Tartu", "postalCode": "50090", "country": "EE"},
    "shipping": {"method": "express"},
    "payment": {"card": {"holder": "Ada Lovelace", "number": "\(card)", "expiry": "12/30", "cvv": "\(cvv)"}},
    "acceptTerms": true }
  """
}
