import ArgumentParser
import DaemonKit
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where the services are.
struct ServerOptions: ParsableArguments {
  @Option(
    help: "The orchestrator's URL (ORDERSD_SERVER; default http://127.0.0.1:8081, moved by --port-offset).")
  var server: String?

  @Option(
    help: "Added to every default port, as in 'ordersd up --port-offset' (ORDERSD_PORT_OFFSET; default 0).")
  var portOffset: Int?

  func validate() throws {
    if let portOffset, !(0...15_000).contains(portOffset) {
      throw ValidationError("--port-offset must be a whole number from 0 to 15000")
    }
  }

  /// Throws a usage failure for a bad environment variable.
  func offset() throws -> Int {
    if let portOffset { return portOffset }
    guard let text = variable("ORDERSD_PORT_OFFSET") else { return 0 }
    guard let value = Int(text), (0...15_000).contains(value) else {
      throw Failure(Exit.usage, "ORDERSD_PORT_OFFSET must be a whole number from 0 to 15000, not '\(text)'")
    }
    return value
  }

  /// Without a slash at its end.
  func url() throws -> String {
    let given = server ?? variable("ORDERSD_SERVER")
    guard var url = given else { return "http://127.0.0.1:\(8081 + (try offset()))" }
    if !url.contains("://") { url = "http://" + url }
    while url.hasSuffix("/") { url.removeLast() }
    guard url.hasPrefix("http://") || url.hasPrefix("https://"), let parsed = URL(string: url),
      parsed.host() != nil, (1...65_535).contains(parsed.port ?? 1)
    else {
      throw Failure(
        Exit.usage,
        "the server must be a URL such as http://127.0.0.1:8081, its port from 1 to 65535, "
          + "not '\(given ?? "")' (--server)")
    }
    return url
  }

  /// A role's gRPC endpoint: `--server`'s host, the role's default port.
  func endpoint(port: Int) throws -> NetworkEndpoint {
    let host = URL(string: try url())?.host() ?? "127.0.0.1"
    return NetworkEndpoint(host: host, port: port + (try offset()))
  }

  private func variable(_ name: String) -> String? {
    ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}

/// How results are printed.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .customLong("output")], help: "table, wide, json, yaml or name.")
  var format: OutputFormat = .table
}

enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
  case table, wide, json, yaml, name
}

/// A duration on the command line: `500ms`, `30s`, `2m`.
struct DurationArgument: ExpressibleByArgument {
  let duration: Duration

  init(_ duration: Duration) { self.duration = duration }

  init?(argument: String) {
    guard let duration = DurationText.parse(argument) else { return nil }
    self.init(duration)
  }

  var defaultValueDescription: String { DurationText.format(duration) }
}

extension OrderState: ExpressibleByArgument {}
