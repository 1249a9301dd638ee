import ArgumentParser
import DaemonKit
import JournalLog
import Logging
import NIOCore
import NIOPosix
import SystemdSupport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the subcommands of the roles take.
struct RoleOptions: ParsableArguments {
  @OptionGroup var common: CommonOptions
  @Option(help: "Port that the role listens on; 0 = the kernel chooses.")
  var port: Int?
  @Option(help: "Port of /live, /ready, /metrics and /status.")
  var adminPort: Int?
  @Flag(
    name: .customLong("stop-with-parent"),
    help: ArgumentHelp("Stop when standard input ends; for 'ordersd up'.", visibility: .hidden))
  var stopsWithParent = false
  @Flag(
    help: ArgumentHelp(
      "Let POST /wedge?loop=NAME on the admin port hold a loop up for good; for tests of the watchdog.",
      visibility: .hidden))
  var allowFaultHooks = false

  /// Runs one role until it is told to stop.
  ///
  /// `role`: its name in settings. `process`: its name as a process, `executor-2` for an executor.
  func run<Configuration: Sendable>(
    role: String, process: String, flags: [String: String] = AllConfigurations.anyExecutor,
    _ part: (AllConfigurations) -> Configuration, admin: (Configuration) -> NetworkEndpoint,
    build: (Configuration, DaemonContext) async throws -> RoleRuntime
  ) async throws {
    let sockets = PassedSockets.ofEnvironment()
    let environment = ProcessInfo.processInfo.environment
    let plain = LogConfiguration()
    let journal =
      plain.isNative(environment: environment)
      ? plain.logger(process, environment: environment, clocks: .system) : nil
    // What is said last must not be lost; a journal that hangs must not keep the process.
    defer { JournalWriter.native.flush(within: .seconds(1)) }
    try await reportingFailures(of: process, journal: journal) {
      if stopsWithParent { Lifeline.watchStandardInput() }
      // A reader of our log that goes away must not end an order system.
      signal(SIGPIPE, SIG_IGN)
      let sources = common.sources(flags: portFlags(role).merging(flags) { _, new in new })
      let reader = try sources.reader()
      let all = AllConfigurations(reader: reader)
      try reader.validate()

      // The tasks run on these loops as well (ADR 0023); half of the cores is for the other roles.
      NIOSingletons.groupLoopCountSuggestion = max(1, min(System.coreCount / 2, 4))
      let clocks = Clocks.system
      let threshold = LogThreshold(all.log.level)
      let live = LiveSettings(role: role, sources: sources, reader: reader, threshold: threshold)
      var context = DaemonContext(
        process: process,
        logger: all.log.logger(process, environment: environment, clocks: clocks, threshold: threshold),
        clocks: clocks,
        heartbeats: Heartbeats(clocks: clocks), eventLoopGroup: .singleton)
      context.sockets = sockets
      let configuration = part(all)
      let daemon = Daemon(
        context: context, admin: admin(configuration), environment: environment,
        allowsFaults: allowFaultHooks, reload: live.prepare)
      try await daemon.run { context in try await build(configuration, context) }
    }
  }

  private func portFlags(_ role: String) -> [String: String] {
    var flags: [String: String] = [:]
    if let port { flags["\(role).port"] = String(port) }
    if let adminPort { flags["\(role).admin-port"] = String(adminPort) }
    return flags
  }
}
