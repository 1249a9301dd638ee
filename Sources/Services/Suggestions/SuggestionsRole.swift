package import DaemonKit
import GRPCSupport
import Logging
import OrderDomain
import SuggestionModel

/// Puts the role together: event f (suggest), which never fails an order, and what it learns from.
///
/// Throws `ConfigurationError` for a catalog that cannot be used.
package func buildSuggestions(
  configuration: SuggestionsConfiguration, context: DaemonContext
) async throws -> RoleRuntime {
  let catalog = try CatalogFile.load(path: configuration.catalog)
  let file = SnapshotFile(folder: configuration.stateFolder)
  let memory = SuggestionMemory(
    catalog: catalog, tuning: .init(halfLife: configuration.halfLife), limit: configuration.limit,
    clocks: context.clocks)
  let keeper = SnapshotKeeper(
    memory: memory, file: file, interval: configuration.snapshotInterval, context: context)
  await keeper.restore()
  let queue = try Peer(
    service: "order-queue", endpoint: configuration.orderQueue, eventLoopGroup: context.eventLoopGroup)
  let learner = OutcomeLearner(memory: memory, queue: queue, context: context)
  let host = CheckHost(
    events: CheckEvents(ids: ["f"]), provider: memory, faultDelay: configuration.faultDelay,
    context: context)
  var runtime = host.runtime(
    role: SuggestionsConfiguration.role, service: SuggestionsService(host: host),
    endpoint: configuration.server)
  // Stopped in reverse: the last snapshot holds everything that was learned.
  runtime.services = [queue, keeper, learner] + runtime.services
  let checks = runtime.report
  runtime.report = {
    // Nothing of it is a problem that keeps the role from being ready: it can always suggest something.
    memory.report(onto: await checks())
  }
  return runtime
}
