import CheckoutFlow
import CoreTime
package import DaemonKit
import GRPCCore
import GRPCSupport
import Logging
import OrderDomain
import OrderProtos
import OrderStore
import OrderWire
import SwiftProtobuf

/// Puts the orchestrator together. Production and tests use the same.
///
/// Throws `ConfigurationError` and `StoreOpenError`.
package func buildOrchestrator(
  configuration: OrchestratorConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  let catalog = try CatalogFile.load(path: configuration.catalogPath)
  let key = try InstallationKey(folder: configuration.stateFolder)
  let store = try DurableStore(
    path: "\(configuration.stateFolder)/orders.db", schema: OrderSchema.steps, failureMode: .carryOn,
    context: context)
  let repository = OrderRepository(store: store, feed: OrderFeed())
  let pool = CheckoutPool(capacity: configuration.maximumInFlight)
  let housekeeping = Housekeeping(repository: repository, pool: pool, context: context)
  try await housekeeping.recover()

  let alarms = Alarms(clocks: context.clocks)
  func peer(_ service: String, _ endpoint: NetworkEndpoint) throws -> Peer {
    try Peer(service: service, endpoint: endpoint, eventLoopGroup: context.eventLoopGroup)
  }
  let checks = CheckSessions(
    try [
      ("transaction-verification", configuration.transactionVerification),
      ("fraud-detection", configuration.fraudDetection), ("suggestions", configuration.suggestions),
    ].map { service, endpoint in
      CheckSession(
        try peer(service, endpoint), wire: try .checks(service), breaker: configuration.circuit,
        alarms: alarms,
        context: context)
    })
  let queuePeer = try peer("order-queue", configuration.orderQueue)
  let queue = QueueSession(
    queuePeer, wire: .queue, breaker: configuration.circuit, alarms: alarms, context: context)
  let news = QueueNews(repository: repository, context: context)
  let outbox = Outbox(
    repository: repository, queue: queue, news: news, maximumBacklog: configuration.maximumBacklog,
    context: context)
  let follower = OutcomeFollower(
    repository: repository, queue: queuePeer, session: queue, news: news, context: context)
  let violations = ViolationRecorder(repository: repository, context: context)
  let holding = Holding(configuration.holding)
  let intake = Intake(
    repository: repository,
    runner: CheckoutRunner(
      sessions: checks, deadlines: configuration.deadlines, retries: configuration.retries, alarms: alarms,
      violations: violations, context: context),
    pool: pool, key: key, catalog: catalog, context: context, outbox: outbox, holding: holding)
  let reporter = OrchestratorReport(
    repository: repository, pool: pool, outbox: outbox, follower: follower, holding: holding, checks: checks,
    queue: queue)
  let canceller = Canceller(
    repository: repository, withdrawal: Withdrawal(repository: repository, queue: queue, context: context),
    outbox: outbox, context: context)
  let http = HTTPService(
    api: RESTAPI(
      intake: intake, repository: repository, canceller: canceller, catalog: try CatalogView(catalog),
      cursors: ListCursor(key: key),
      proxies: configuration.trustedProxies, status: reporter.view),
    endpoint: configuration.server, context: context)

  return RoleRuntime(
    // Stopped in reverse: whoever makes calls before what carries them, and their connections last.
    services: checks.all.map(\.peer) + [queuePeer, alarms] + checks.all + [queue] + [
      StoreService(store: store), violations, pool, housekeeping, news, outbox, follower,
      HoldService(holding: holding, intake: intake, context: context), http,
    ],
    waitUntilListening: {
      let endpoint = try await http.listening.value
      context.logger.info("Serving REST and the page.", metadata: ["url": "http://\(endpoint)"])
    },
    report: reporter.report)
}

extension OrchestratorConfiguration {
  fileprivate var holding: Holding.Settings {
    let policies = [("transaction-verification", verificationFailure), ("fraud-detection", fraudFailure)]
    return Holding.Settings(
      services: Set(policies.filter { $0.1 == .hold }.map(\.0)), longest: maximumHold, capacity: maximumHeld)
  }
}
