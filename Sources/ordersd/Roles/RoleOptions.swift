import ArgumentParser
import DaemonKit
import Logging
import NIOCore
import NIOPosix

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

  /// Runs one role until it is told to stop.
  ///
  /// `role`: its name in settings. `process`: its name as a process, `executor-2` for an executor.
  func run<Configuration: Sendable>(
    role: String, process: String, flags: [String: String] = AllConfigurations.anyExecutor,
    _ part: (AllConfigurations) -> Configuration, admin: (Configuration) -> NetworkEndpoint,
    build: (Configuration, DaemonContext) async throws -> RoleRuntime
  ) async throws {
    try await reportingFailures(of: process) {
      if stopsWithParent { Lifeline.watchStandardInput() }
      // A reader of our log that goes away must not end an order system.
      signal(SIGPIPE, SIG_IGN)
      let environment = ProcessInfo.processInfo.environment
      let reader = try common.reader(flags: portFlags(role).merging(flags) { _, new in new })
      let all = AllConfigurations(reader: reader)
      try reader.validate()

      // One thread for a role's network and its tasks (ADR 0025); the roles are what runs side by side.
      NIOSingletons.groupLoopCountSuggestion = 1
      let clocks = Clocks.system
      let context = DaemonContext(
        process: process, logger: all.log.logger(process, environment: environment, clocks: clocks),
        clocks: clocks,
        heartbeats: Heartbeats(clocks: clocks), eventLoopGroup: .singleton)
      let configuration = part(all)
      try await Daemon(context: context, admin: admin(configuration), environment: environment).run {
        context in
        try await build(configuration, context)
      }
    }
  }

  private func portFlags(_ role: String) -> [String: String] {
    var flags: [String: String] = [:]
    if let port { flags["\(role).port"] = String(port) }
    if let adminPort { flags["\(role).admin-port"] = String(adminPort) }
    return flags
  }
}
