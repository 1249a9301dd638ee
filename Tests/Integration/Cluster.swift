import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Every role as a real process, started with `ordersd up` in a folder of its own, on ports of its own.
final class Cluster: Sendable {
  struct Report: Decodable {
    struct Role: Decodable {
      let pid: Int32?
      let port: Int
      let ready: Bool
      let restarts: Int
    }

    let ready: Bool
    let url: String
    let roles: [String: Role]
  }

  let folder: URL
  var portOffset: Int { ports.value }
  private let ports: Ports.Offset
  private let process: Process

  /// Folder of the effects: `examples/fulfil` writes each order there, once.
  var effects: URL { folder.appendingPathComponent("effects") }
  var state: URL { folder.appendingPathComponent("state") }
  var log: URL { folder.appendingPathComponent("up.log") }

  /// Starts a cluster, waits until it is ready, runs `body`, and stops and removes everything whatever happens.
  static func with<Value>(
    _ settings: [String: String] = [:], arguments: [String] = [], _ body: (Cluster) async throws -> Value
  ) async throws -> Value {
    let cluster = try Cluster(settings, arguments)
    do {
      try await eventually("all roles are ready", within: .seconds(60)) {
        try cluster.report()?.ready == true
      }
      let value = try await body(cluster)
      try await cluster.stop()
      return value
    } catch {
      let tail = (try? String(contentsOf: cluster.log, encoding: .utf8))?.suffix(6_000) ?? ""
      try await cluster.stop()
      throw IntegrationError("\(error)\n--- the end of the log ---\n\(tail)")
    }
  }

  private init(_ settings: [String: String], _ arguments: [String]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "ordersd-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("effects"), withIntermediateDirectories: true)
    ports = try Ports.Offset()
    process = Process()
    process.executableURL = Programs.ordersd
    process.arguments = [
      "up", "--state", folder.appendingPathComponent("state").path, "--port-offset", String(ports.value),
      "--fulfilment-command",
      "\(Programs.support.path)/append-and-fulfil \(folder.path)/effects \(Programs.examples.path)/fulfil",
    ]
    process.arguments?.append(contentsOf: settings.flatMap { ["--set", "\($0.key)=\($0.value)"] })
    process.arguments?.append(contentsOf: arguments)
    let log = folder.appendingPathComponent("up.log")
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    let output = try FileHandle(forWritingTo: log)
    process.standardOutput = output
    process.standardError = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  private func stop() async throws {
    process.terminate()
    do {
      try await eventually("'ordersd up' has stopped", within: .seconds(15)) { !process.isRunning }
    } catch {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw error
    }
    try FileManager.default.removeItem(at: folder)
  }

  /// `up.json`; nil before it is there.
  func report() throws -> Report? {
    guard process.isRunning else { throw IntegrationError("'ordersd up' has ended by itself") }
    guard let data = try? Data(contentsOf: state.appendingPathComponent("up.json")) else { return nil }
    return try JSONDecoder().decode(Report.self, from: data)
  }

  func pid(of role: String) throws -> Int32 {
    guard let pid = try report()?.roles[role]?.pid else { throw IntegrationError("\(role) does not run") }
    return pid
  }

  /// Sends `signal` to the role's process and returns its pid.
  @discardableResult
  func signal(_ role: String, _ signal: Int32) throws -> Int32 {
    let pid = try pid(of: role)
    guard kill(pid, signal) == 0 else { throw IntegrationError("cannot signal \(role) (\(pid))") }
    return pid
  }

  // MARK: REST

  func get<Value: Decodable>(_ path: String, as type: Value.Type) async throws -> Value {
    let (status, body) = try await request(.get, path)
    guard status == 200 else {
      throw IntegrationError("GET \(path): \(status) \(String(decoding: body, as: UTF8.self))")
    }
    return try JSONDecoder().decode(type, from: body)
  }

  /// Posts an order; returns the status and the order, for a status of 201.
  func submit(_ body: Data, key: String? = nil) async throws -> OrderView {
    var headers = [("Content-Type", "application/json")]
    if let key { headers.append(("Idempotency-Key", key)) }
    let (status, answer) = try await request(.post, "/v1/orders", headers: headers, body: body)
    guard status == 201 else {
      throw IntegrationError("POST /v1/orders: \(status) \(String(decoding: answer, as: UTF8.self))")
    }
    return try JSONDecoder().decode(OrderView.self, from: answer)
  }

  func request(
    _ method: Verb, _ path: String, headers: [(String, String)] = [], body: Data? = nil,
    patience: Duration = .seconds(30)
  ) async throws -> (status: Int, body: Data) {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(8081 + portOffset)\(path)")
    request.method = method == .get ? .GET : .POST
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(patience))
    let buffer = try await response.body.collect(upTo: 8 << 20)
    return (Int(response.status.code), Data(buffer.readableBytesView))
  }

  enum Verb { case get, post }

  func orders(in state: String) async throws -> Int {
    try await get("/v1/status", as: StatusView.self).orders[state] ?? 0
  }

  /// Runs `ordersctl` against this cluster.
  func ordersctl(_ arguments: String...) async throws -> ProgramResult {
    try await Programs.run(Programs.ordersctl, arguments + ["--port-offset", String(portOffset)])
  }

  /// How often each order was delivered to fulfilment: more than once only when a process was killed at the wrong
  /// moment.
  func deliveries() throws -> [String: Int] {
    let log = try String(contentsOf: effects.appendingPathComponent("deliveries"), encoding: .utf8)
    return log.split(separator: "\n").reduce(into: [:]) { $0[String($1), default: 0] += 1 }
  }

  /// How often each order was carried out, by the log that `examples/fulfil` keeps.
  func executions() throws -> [String: Int] {
    let log = try String(contentsOf: effects.appendingPathComponent("log"), encoding: .utf8)
    return log.split(separator: "\n").reduce(into: [:]) { $0[String($1.prefix(36)), default: 0] += 1 }
  }
}

struct OrderView: Decodable {
  struct Rejection: Decodable {
    struct Event: Decodable { let id: String }
    let event: Event
    let service: String
    let code: String
    let retryable: Bool
  }
  struct Suggestions: Decodable {
    struct Item: Decodable { let sku: String }
    let degraded: Bool
    let items: [Item]
  }
  struct Execution: Decodable {
    let executor: String
    let epoch: UInt64
    let attempt: Int
  }

  let orderId: String
  let state: String
  let rejection: Rejection?
  let suggestions: Suggestions?
  let execution: Execution?
}

struct StatusView: Decodable {
  struct Leader: Decodable {
    let holder: String?
    let epoch: UInt64
  }

  let orders: [String: Int]
  let leaders: [Leader]
}

struct TimelineView: Decodable {
  struct Entry: Decodable {
    let actor: String
    let event: String?
    let state: String
    let clock: [String: UInt64]
  }

  let entries: [Entry]
}
