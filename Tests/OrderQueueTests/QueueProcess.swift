import CoreTime
import DaemonKit
import Foundation
import GRPCCore
import GRPCSupport
import NIOPosix
import OrderProtos
import OrderQueue
import OrderWire
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// What the queue's real process came to.
struct Ended: Sendable {
  let status: Int32
  let errors: String
}

/// `ordersd order-queue`, as it was built with these tests, on ports of its own.
final class QueueProcess: @unchecked Sendable {
  let port: Int
  let adminPort: Int
  let folder: String
  private let process = Process()
  private let errorFile: URL

  /// The programs lie beside the test bundle, which is on the command line of the process that runs it.
  static func program(_ name: String) -> URL {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
    var url = URL(fileURLWithPath: bundle)
    while url.path.contains(".xctest") { url.deleteLastPathComponent() }
    return url.appendingPathComponent(name)
  }

  /// `wrapper`: a shell command that is run before, in the same process; `folder` is where the state is.
  init(folder: String, port: Int, settings: [String] = [], wrapper: [String] = []) throws {
    self.folder = folder
    self.port = port
    adminPort = port + 1
    errorFile = FileManager.default.temporaryDirectory.appendingPathComponent("order-queue-\(UUID()).err")
    _ = FileManager.default.createFile(atPath: errorFile.path, contents: nil)
    let command =
      wrapper + [
        Self.program("ordersd").path, "order-queue", "--port", "\(port)", "--admin-port", "\(port + 1)",
        "--set", "state=\(folder)", "--set", "order-queue.backoff-initial=0s",
      ] + settings.flatMap { ["--set", $0] }
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
  }

  var file: String { "\(folder)/order-queue/queue.db" }
  var pid: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }

  /// SIGKILL.
  func crash() {
    // A process that is gone may have left its number to another.
    guard process.isRunning else { return }
    kill(pid, SIGKILL)
    process.waitUntilExit()
  }

  /// Waits for it to end by itself.
  func ended() async throws -> Ended {
    defer { if process.isRunning { crash() } }
    try await eventually("the queue has ended") { !process.isRunning }
    return Ended(status: process.terminationStatus, errors: errors)
  }

  /// An admin page, whatever its status; nil when it cannot be had now.
  func page(_ path: String) async -> String? {
    guard let url = URL(string: "http://127.0.0.1:\(adminPort)\(path)"),
      let (data, _) = try? await URLSession.shared.data(from: url)
    else { return nil }
    return String(decoding: data, as: UTF8.self)
  }

  func isReady() async -> Bool { await page("/ready") == "ready\n" }

  deinit {
    if process.isRunning { crash() }
    try? FileManager.default.removeItem(at: errorFile)
  }

  /// Two free ports that follow each other, above those that the kernel gives to connections.
  static func freePort() throws -> Int {
    for _ in 0..<50 {
      let port = Int.random(in: 61_200...65_400)
      let taken = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
      let isFree = [port, port + 1].allSatisfy { number in
        let digits = String(number, radix: 16, uppercase: true)
        return !taken.contains(":" + String(repeating: "0", count: 4 - digits.count) + digits + " ")
      }
      if isFree { return port }
    }
    throw TestFailure("no free port was found")
  }
}

/// Runs `body` with a client of a queue that is another process.
func withClient<Result: Sendable>(
  _ process: QueueProcess, _ body: @escaping @Sendable (QueueClient) async throws -> Result
) async throws -> Result {
  let peer = try Peer(
    service: "order-queue", endpoint: NetworkEndpoint(host: "127.0.0.1", port: process.port),
    eventLoopGroup: .singleton)
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await peer.run() }
    defer { group.cancelAll() }
    return try await body(QueueClient(peer: peer))
  }
}

/// Its calls are those of `RunningQueue`.
struct QueueClient: QueueCalls {
  let peer: Peer

  /// Waits until the process is ready and this client has reached it.
  func reaches(_ process: QueueProcess) async throws {
    try await eventually("the queue is ready: \(process.errors)") {
      guard await process.isReady() else { return false }
      return (try? await stats()) != nil
    }
  }
}
