import Hummingbird
import HummingbirdCore
import Logging
import MetricsExport
import ServiceLifecycle

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `/live`, `/ready`, `/metrics` and `/status` over HTTP, for operators and monitoring. Read-only, but for
/// `/wedge` where `--allow-fault-hooks` opens it to tests.
package struct AdminServer: Service {
  package let endpoint: NetworkEndpoint
  private let health: RoleHealth
  private let metrics: PrometheusRegistry
  private let faults: FaultHooks?
  private let logger: Logger

  init(
    endpoint: NetworkEndpoint, health: RoleHealth, metrics: PrometheusRegistry, faults: FaultHooks?,
    logger: Logger
  ) {
    self.faults = faults
    self.endpoint = endpoint
    self.health = health
    self.metrics = metrics
    self.logger = logger
  }

  package func run() async throws {
    let router = Router()
    let (health, metrics) = (health, metrics)
    router.get("/live") { _, _ in
      let stalled = health.stalled()
      return text(stalled.isEmpty ? .ok : .serviceUnavailable, stalled.isEmpty ? ["live"] : stalled)
    }
    router.get("/ready") { _, _ in
      let problems = await health.problems()
      return text(problems.isEmpty ? .ok : .serviceUnavailable, problems.isEmpty ? ["ready"] : problems)
    }
    router.get("/metrics") { _, _ in
      response(.ok, "text/plain; version=0.0.4; charset=utf-8", metrics.render())
    }
    router.get("/status") { _, _ in
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
      let body = try encoder.encode(await health.status())
      return response(.ok, "application/json", String(decoding: body, as: UTF8.self) + "\n")
    }
    faults?.add(to: router)
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let application = Application(
      router: router, server: .http1(configuration: .init(idleTimeout: .seconds(30))),
      configuration: .init(
        address: .hostname(endpoint.host, port: endpoint.port), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(64)),
      onServerRunning: { _ in health.admin.resolve(.success(())) }, logger: quiet)
    do {
      try await application.run()
    } catch {
      let failure = ListenError(
        what: "the admin endpoint", endpoint: endpoint, setting: "--admin-port", cause: error)
      health.admin.resolve(.failure(failure))
      throw failure
    }
  }
}

private func text(_ status: HTTPResponse.Status, _ lines: [String]) -> Response {
  response(status, "text/plain; charset=utf-8", lines.joined(separator: "\n") + "\n")
}

private func response(_ status: HTTPResponse.Status, _ type: String, _ body: String) -> Response {
  Response(status: status, headers: [.contentType: type], body: .init(byteBuffer: .init(string: body)))
}
