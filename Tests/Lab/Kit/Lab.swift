import Foundation
import Synchronization

/// The programs of one installation on four hosts: `order-queue`, the checks and the orchestrator on host
/// 4, one executor each on hosts 1 … 3. In a folder of its own; nothing of it is left afterwards.
final class Lab: Sendable {
  struct Options: Sendable {
    /// The folder that holds `ordersd`.
    var programs: String
    /// The checkout: `examples/` is taken from it.
    var checkout: String
    /// Given to every program as `--set`.
    var settings: [String: String] = [:]
    /// Only the queue on host 4, and executors that fulfil by a line in their log.
    var isQueueOnly = false
    var slowCables = false
    /// Where a copy of the lab's folder, with all logs, is left; nil = nowhere.
    var keepLogsIn: String?
  }

  static let queueHost = 4
  static let executors = 1...3

  let network: LabNetwork
  let folder: String
  private let options: Options
  private let cleanup: Cleanup
  private let processes = Mutex<[String: LabProcess]>([:])

  /// Builds the hosts, starts everything, runs `body`, and takes everything down again whatever happens.
  static func with<Value>(_ options: Options, _ body: (Lab) throws -> Value) throws -> Value {
    let cleanup = Cleanup()
    let outcome = Result {
      let lab = try Lab(options, cleanup)
      do {
        try lab.start()
        let value = try body(lab)
        lab.keepLogs()
        return value
      } catch {
        lab.keepLogs()
        throw LabError("\(error)\n\(lab.ends())")
      }
    }
    let problems = cleanup.run()
    let value = try outcome.get()
    guard problems.isEmpty else { throw LabError("the lab left something behind: \(problems)") }
    return value
  }

  private init(_ options: Options, _ cleanup: Cleanup) throws {
    self.options = options
    self.cleanup = cleanup
    let folder = NSTemporaryDirectory() + "ordersd-lab-\(getpid())-\(UUID().uuidString.prefix(8))"
    self.folder = folder
    try FileManager.default.createDirectory(atPath: folder + "/effects", withIntermediateDirectories: true)
    cleanup.later { try FileManager.default.removeItem(atPath: folder) }
    network = try LabNetwork(cleanup: cleanup, slowCables: options.slowCables)
    try writeFulfilment()
  }

  private func start() throws {
    let host = Self.queueHost
    if !options.isQueueOnly {
      for role in ["fraud-detection", "transaction-verification", "suggestions"] {
        try start(role, on: host, [role])
      }
    }
    try start("order-queue", on: host, ["order-queue"])
    if !options.isQueueOnly { try start("orchestrator", on: host, ["orchestrator"]) }
    for id in Self.executors { try startExecutor(id) }
    for name in processes.withLock({ $0.keys.sorted() }) {
      try eventually("\(name) is ready", within: .seconds(30)) {
        guard process(name)?.isRunning == true else { throw LabError("\(name) has ended by itself") }
        return try String(contentsOfFile: log(name), encoding: .utf8).contains("\"Ready.\"")
      }
    }
  }

  // MARK: Programs

  /// Also starts one again that has ended.
  func startExecutor(_ id: Int) throws {
    var words = ["executor", "--id", "\(id)", "--set", "election.interface=\(LabNetwork.address(id))"]
    if !options.isQueueOnly {
      words += [
        "--set", "executor.fulfilment.kind=command",
        "--set", "executor.fulfilment.command=\(folder)/fulfil,\(folder)",
      ]
    }
    try start("executor-\(id)", on: id, words)
  }

  private func start(_ name: String, on host: Int, _ words: [String]) throws {
    let queue = LabNetwork.address(Self.queueHost)
    var settings = [
      "order-queue.endpoint=\(queue):50055", "fraud-detection.endpoint=\(queue):50051",
      "transaction-verification.endpoint=\(queue):50052", "suggestions.endpoint=\(queue):50053",
    ]
    settings += options.settings.map { "\($0.key)=\($0.value)" }
    let command =
      ["ip", "netns", "exec", network.namespace(host), "\(options.programs)/ordersd"] + words
      + ["--bind", LabNetwork.address(host), "--state", "\(folder)/state", "--log-format", "json"]
      + settings.flatMap { ["--set", $0] }
    try run(name, command)
  }

  /// Starts any program as part of the lab; its output goes to `log(name)`.
  @discardableResult
  func run(_ name: String, _ words: [String], input: Int32? = nil) throws -> LabProcess {
    let process = try LabProcess(name, words, output: log(name), input: input)
    processes.withLock { $0[name] = process }
    cleanup.later { try process.end() }
    return process
  }

  func process(_ name: String) -> LabProcess? { processes.withLock { $0[name] } }

  func signal(_ name: String, _ signal: Int32) throws {
    guard let process = process(name) else { throw LabError("there is no \(name)") }
    try process.signal(signal)
  }

  /// A line of its log has this message.
  func waitUntil(_ name: String, says message: String, within limit: Duration = .seconds(40)) throws {
    try eventually("\(name) says '\(message)'", within: limit, every: .milliseconds(100)) {
      try String(contentsOfFile: log(name), encoding: .utf8).contains("\"\(message)\"")
    }
  }

  func log(_ name: String) -> String { "\(folder)/\(name).log" }

  // MARK: Orders

  func submitOrders(perSecond rate: Double) throws -> Submitter {
    let order = try Data(contentsOf: URL(fileURLWithPath: "\(options.checkout)/examples/order.json"))
    let host = Self.queueHost
    return Submitter(
      namespace: network.namespace(host), address: LabNetwork.address(host), order: order, rate: rate)
  }

  /// GET on the orchestrator.
  func get(_ paths: [String]) throws -> [[String: Any]] {
    let bodies = try Worker(in: network.namespace(Self.queueHost)) {
      let connection = RestConnection(LabNetwork.address(Self.queueHost))
      return try paths.map { path in
        let answer = try connection.request("GET", path)
        guard answer.status == 200 else { throw LabError("GET \(path): \(answer.status)") }
        return answer.body
      }
    }.value()
    return try bodies.map { try JSONSerialization.jsonObject(with: $0) as? [String: Any] ?? [:] }
  }

  /// Notes each run of the fulfilment, and leaves the rest to the example that users are shown.
  private func writeFulfilment() throws {
    let script = """
      #!/bin/bash
      note() {
        printf '%s %s %s %s %s %s\\n' "$1" "$EPOCHREALTIME" "$IDEMPOTENCY_KEY" "$FENCING_TOKEN" "$ATTEMPT" \\
          "$EXECUTOR_ID"
      }
      note begin >> "$1/runs"
      "\(options.checkout)/examples/fulfil" "$1/effects"
      status=$?
      note end >> "$1/runs"
      exit $status
      """
    try script.write(toFile: "\(folder)/fulfil", atomically: true, encoding: .utf8)
    chmod("\(folder)/fulfil", 0o755)
  }

  // MARK: After a failure

  /// The last lines of every log.
  private func ends() -> String {
    processes.withLock { $0.keys.sorted() }.map { name in
      let text = (try? String(contentsOfFile: log(name), encoding: .utf8)) ?? ""
      return "--- \(name)\n" + text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private func keepLogs() {
    guard let target = options.keepLogsIn else { return }
    let copy = "\(target)/\(URL(fileURLWithPath: folder).lastPathComponent)"
    do {
      try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: folder, toPath: copy)
    } catch {
      // Not what is tested: what the lab found matters more.
      print("the logs could not be kept: \(error)")
    }
  }
}
