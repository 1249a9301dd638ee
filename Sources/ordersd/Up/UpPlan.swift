import DaemonKit

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

/// What `ordersd up` runs, worked out from the settings before anything is started.
struct UpPlan: Sendable {
  /// Each starts when the one before is ready.
  let stages: [[ChildSpecification]]
  /// Base folder of durable state.
  let state: String
  /// Options that every child gets.
  let sharedArguments: [String]
  private let portOffset: Int
  private let page: NetworkEndpoint

  var children: [ChildSpecification] { Array(stages.joined()) }

  /// Throws `ConfigurationError` with every mistake, so that no child is started to find them.
  init(
    common: CommonOptions, executors: Int, fulfilmentCommand: String?, restartDelay: Duration?,
    environment: [String: String]
  ) throws {
    var flags: [String: String] = [:]
    if let fulfilmentCommand {
      flags["executor.fulfilment.kind"] = "command"
      flags["executor.fulfilment.command"] = try Self.words(fulfilmentCommand).joined(separator: ",")
    }
    // The system's own folder is no default for development.
    let probe = try common.reader()
    let given = probe.optionalString("state", "Folder under which each role keeps its files.")
    let state = Self.absolute(given ?? UpFolder.defaultPath(environment))
    flags["state"] = state
    self.state = state

    let reader = try common.reader(flags: flags.merging(AllConfigurations.anyExecutor) { _, new in new })
    let all = AllConfigurations(reader: reader)
    portOffset = reader.integer("port-offset", default: 0, in: 0...15_000, "")
    try reader.validate()
    sharedArguments = Self.arguments(common, flags)

    func child(_ name: String, role: String, _ arguments: [String], _ all: AllConfigurations)
      -> ChildSpecification
    {
      let none = NetworkEndpoint(host: "127.0.0.1", port: 0)
      let (server, admin) = all.endpoints[role] ?? (none, none)
      // A replica has stand-ins: it can take its time.
      let delay = restartDelay ?? (role == "executor" ? .seconds(3) : RestartBackoff.first)
      return ChildSpecification(
        name: name, arguments: arguments, server: server, admin: admin, restartDelay: delay)
    }
    let checksAndQueue = ["transaction-verification", "fraud-detection", "suggestions", "order-queue"].map {
      child($0, role: $0, [$0], all)
    }
    let replicas = try (executors == 0 ? [] : Array(1...executors)).map { id in
      let reader = try common.reader(flags: flags.merging(["executor.id": String(id)]) { _, new in new })
      let arguments = ["executor", "--id", String(id)]
      return child("executor-\(id)", role: "executor", arguments, AllConfigurations(reader: reader))
    }
    let orchestrator = child("orchestrator", role: "orchestrator", ["orchestrator"], all)
    page = orchestrator.server
    stages = [checksAndQueue, replicas + [orchestrator]]
  }

  func report(_ machines: [String: ChildSupervision]) -> UpReport {
    var roles: [String: UpReport.Role] = [:]
    for child in children {
      let machine = machines[child.name]
      roles[child.name] = UpReport.Role(
        pid: machine?.pid, host: child.server.host, port: child.server.port, adminPort: child.admin.port,
        ready: machine?.isReady ?? false, restarts: machine?.restarts ?? 0)
    }
    return UpReport(
      pid: getpid(), state: state, portOffset: portOffset, url: url,
      ready: machines.values.allSatisfy(\.isReady), roles: roles)
  }

  /// What to do next, once all roles answer.
  func welcome(after time: Duration) -> String {
    var options = ""
    if portOffset > 0 { options = " --port-offset \(portOffset)" }
    if page.port != 8081 + portOffset { options = " --server \(url)" }
    return """

      All \(children.count) roles are ready after \(seconds(time)).
        page    \(url)/
        next    \(Self.ordersctl()) submit examples/order.json --wait executed\(options)
        state   \(state)
        Ctrl-C stops everything.

      """
  }

  private var url: String {
    let host = page.host == "0.0.0.0" || page.host == "::" ? "127.0.0.1" : page.host
    return "http://\(NetworkEndpoint(host: host, port: page.port))"
  }

  /// The command as it can be typed: by its name when the shell finds it, else with the folder of this binary.
  private static func ordersctl() -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":")
    where FileManager.default.isExecutableFile(atPath: "\(folder)/ordersctl") {
      return "ordersctl"
    }
    let own = URL(fileURLWithPath: ChildLauncher.ownExecutable()).deletingLastPathComponent().path
    guard FileManager.default.isExecutableFile(atPath: "\(own)/ordersctl") else { return "ordersctl" }
    return "\(own)/ordersctl"
  }

  /// The options that were given to `up`, for its children. Everything that is a setting goes through `--set`.
  private static func arguments(_ common: CommonOptions, _ flags: [String: String]) -> [String] {
    let settings = common.flags.merging(flags) { _, new in new }.sorted { $0.key < $1.key }
    return (common.config.map { ["--config", $0] } ?? [])
      + settings.flatMap { ["--set", "\($0.key)=\($0.value)"] }
  }

  /// The setting is a list, which is written with commas; the path becomes absolute, as the setting wants it.
  private static func words(_ command: String) throws -> [String] {
    var words = command.split(separator: " ").map(String.init)
    guard let first = words.first, !command.contains(",") else {
      throw ConfigurationError([
        "--fulfilment-command: must be a command and its arguments, separated by spaces, without commas, "
          + "not '\(command.prefix(80))'"
      ])
    }
    if first.contains("/") { words[0] = absolute(first) }
    return words
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
