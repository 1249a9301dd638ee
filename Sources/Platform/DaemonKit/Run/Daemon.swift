import JournalLog
package import Logging
import Metrics
import MetricsExport
package import NIOPosix
package import ServiceLifecycle
package import SystemdSupport
import UnixSignals

/// What every part of a role is given.
package struct DaemonContext: Sendable {
  /// The role's name as a process: `order-queue`, `executor-3`. Also its component in vector clocks.
  package let process: String
  package let logger: Logger
  package let clocks: Clocks
  package let heartbeats: Heartbeats
  package let eventLoopGroup: MultiThreadedEventLoopGroup
  /// Listening sockets that the service manager passed.
  package var sockets = PassedSockets()
  /// Tells the service manager what a long start is at, and how much longer it may take.
  package var announce: @Sendable (_ status: String, _ within: Duration) -> Void = { _, _ in }

  package init(
    process: String, logger: Logger, clocks: Clocks, heartbeats: Heartbeats,
    eventLoopGroup: MultiThreadedEventLoopGroup
  ) {
    self.process = process
    self.logger = logger
    self.clocks = clocks
    self.heartbeats = heartbeats
    self.eventLoopGroup = eventLoopGroup
  }
}

/// A role, put together and ready to run.
package struct RoleRuntime: Sendable {
  /// In the order of their start; they are stopped in reverse.
  package var services: [any Service]
  /// Returns once the role answers on its sockets; throws when it never will.
  package var waitUntilListening: @Sendable () async throws -> Void
  package var report: @Sendable () async -> RoleReport
  /// Given to the role's own health service.
  package var onHealth: @Sendable (RoleHealth) -> Void
  /// The role's part of a reload: reads its files again, and puts them in force as a whole or throws. Returns
  /// what changed, in words.
  package var onReload: @Sendable () async throws -> [String] = { [] }

  package init(
    services: [any Service], waitUntilListening: @escaping @Sendable () async throws -> Void,
    report: @escaping @Sendable () async -> RoleReport,
    onHealth: @escaping @Sendable (RoleHealth) -> Void = { _ in }
  ) {
    self.services = services
    self.waitUntilListening = waitUntilListening
    self.report = report
    self.onHealth = onHealth
  }
}

/// Runs one role as a daemon: readiness, watchdog, admin endpoint, signals, graceful stop.
package struct Daemon {
  /// From the first SIGTERM to the end, at most.
  package static let stopWithin: Duration = .seconds(4)

  private let context: DaemonContext
  private let admin: NetworkEndpoint
  private let manager: ServiceManager
  private let reload: @Sendable () throws -> PreparedReload
  private let reloadReport: ReloadReport?
  private let allowsFaults: Bool

  /// `reload`: reads the settings again; throws what is wrong with them. `allowsFaults`: tests may hold loops up.
  package init(
    context: DaemonContext, admin: NetworkEndpoint, environment: [String: String], allowsFaults: Bool = false,
    reload: @escaping @Sendable () throws -> PreparedReload
  ) {
    self.reload = reload
    self.allowsFaults = allowsFaults
    reloadReport = ReloadReport(environment: environment)
    self.context = context
    self.admin = admin
    manager = ServiceManager(environment: environment)
  }

  /// Runs until SIGTERM or SIGINT, or until a part fails, which it throws.
  package func run(_ build: (DaemonContext) async throws -> RoleRuntime) async throws {
    // From the start on: a SIGHUP that nobody waits for would end the process.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let faults =
      allowsFaults
      ? try FaultHooks(admin: admin, heartbeats: context.heartbeats, logger: context.logger) : nil
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    var context = context
    context.announce = { [manager] status, within in
      manager.notify(.status(status), .extendTimeout(within))
    }
    let runtime = try await build(context)
    let health = RoleHealth(role: context.process, heartbeats: context.heartbeats, report: runtime.report)
    runtime.onHealth(health)

    let infrastructure: [any Service] = [
      WatchdogPinger(
        manager: manager, heartbeats: context.heartbeats, logger: context.logger,
        status: { await health.summary() }),
      EventLoopHeartbeats(group: context.eventLoopGroup, heartbeats: context.heartbeats),
      AdminServer(
        endpoint: admin, health: health, metrics: registry, faults: faults, logger: context.logger),
      Reloader(
        signals: hangups, prepare: reload, reloadRole: runtime.onReload, health: health, manager: manager,
        report: reloadReport, logger: context.logger),
    ]
    let announcer = ReadinessAnnouncer(
      runtime: runtime, health: health, manager: manager, logger: context.logger)
    let all = infrastructure + runtime.services + [announcer]
    var configuration = ServiceGroupConfiguration(
      services: all.map {
        .init(
          service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
          failureTerminationBehavior: .gracefullyShutdownGroup)
      },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: context.logger)
    configuration.maximumGracefulShutdownDuration = Self.stopWithin
    let group = ServiceGroup(configuration: configuration)
    try await withTaskExecutorPreference(EventLoopTasks(group: context.eventLoopGroup)) {
      try await group.run()
    }
    context.logger.tell(DaemonEvent.stopped)
  }
}

/// Says READY=1 when all sockets are bound, and STOPPING=1 when the stop begins.
private struct ReadinessAnnouncer: Service {
  let runtime: RoleRuntime
  let health: RoleHealth
  let manager: ServiceManager
  let logger: Logger

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await runtime.waitUntilListening()
      try await health.admin.value
      health.becameReady()
      manager.notify(.ready, .status(await health.summary()))
      logger.tell(DaemonEvent.ready, metadata: ["version": "\(Release.version)"])
      try? await gracefulShutdown()
    } onGracefulShutdown: {
      health.beganStopping()
      manager.notify(.stopping, .status("stopping"))
      logger.tell(DaemonEvent.stopping)
    }
  }
}
