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

  func peer(_ service: String, _ endpoint: NetworkEndpoint) throws -> Peer {
    try Peer(service: service, endpoint: endpoint, eventLoopGroup: context.eventLoopGroup)
  }
  let checks = [
    try peer("transaction-verification", configuration.transactionVerification),
    try peer("fraud-detection", configuration.fraudDetection),
    try peer("suggestions", configuration.suggestions),
  ]
  let queue = try peer("order-queue", configuration.orderQueue)
  let outbox = Outbox(
    repository: repository, queue: queue, maximumBacklog: configuration.maximumBacklog, context: context)
  let follower = OutcomeFollower(repository: repository, queue: queue, context: context)
  let intake = Intake(
    repository: repository,
    runner: CheckoutRunner(
      clients: CheckClients(checks), deadlines: configuration.deadlines, retries: configuration.retries,
      context: context),
    pool: pool, key: key, catalog: catalog, context: context, outbox: outbox)
  let reporter = OrchestratorReport(
    repository: repository, pool: pool, outbox: outbox, follower: follower, peers: checks + [queue],
    queue: queue)
  let http = HTTPService(
    api: RESTAPI(
      intake: intake, repository: repository, catalog: try CatalogView(catalog), status: reporter.view),
    endpoint: configuration.server, context: context)

  return RoleRuntime(
    services: checks + [queue, StoreService(store: store), pool, housekeeping, outbox, follower, http],
    waitUntilListening: {
      let endpoint = try await http.listening.value
      context.logger.info("Serving REST and the page.", metadata: ["url": "http://\(endpoint)"])
    },
    report: reporter.report)
}
