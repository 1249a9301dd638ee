import Foundation
import Synchronization

struct IntegrationError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What a program came to.
struct ProgramResult: Sendable {
  let status: Int32
  let output: String
  let errors: String
}

/// The programs under test: those that were built with these tests.
enum Programs {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let support = root.appendingPathComponent("Tests/Integration/Support")
  static let examples = root.appendingPathComponent("examples")
  static let ordersd = folder.appendingPathComponent("ordersd")
  static let ordersctl = folder.appendingPathComponent("ordersctl")

  /// The test bundle is on the command line of the process that runs it; the programs lie beside it.
  private static let folder: URL = {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
    var url = URL(fileURLWithPath: bundle)
    while url.path.contains(".xctest") { url.deleteLastPathComponent() }
    return url
  }()

  static func example(_ name: String) throws -> Data {
    try Data(contentsOf: examples.appendingPathComponent(name))
  }

  /// Runs a program to its end; at most `limit`, then it is killed and an error thrown.
  static func run(
    _ program: URL, _ arguments: [String], environment: [String: String] = [:], limit: Duration = .seconds(60)
  ) async throws -> ProgramResult {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "ordersd-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["out", "err"].map { folder.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.currentDirectoryURL = root
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    do {
      try await eventually("\(program.lastPathComponent) has ended", within: limit) { !process.isRunning }
    } catch {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      throw error
    }
    let texts = try files.map { try String(contentsOf: $0, encoding: .utf8) }
    return ProgramResult(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }
}

/// Waits for a condition, asking every 20 ms; throws when it does not come true in time.
func eventually(
  _ what: String, within limit: Duration, _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < deadline else { throw IntegrationError("not within \(limit): \(what)") }
    try await Task.sleep(for: .milliseconds(20))
  }
}

/// Ports that nobody uses.
enum Ports {
  /// A `port-offset` under which every default port is free, for as long as this lives. Outside the range from which
  /// the kernel takes ports for outgoing connections (32768 … 60999, ip(7)), so that they stay free; and no two offsets
  /// at a time have a port in common: they are 16 apart, which is more than the ports of one kind are, and less than
  /// 1,000 in all, by which the kinds are.
  final class Offset: Sendable {
    let value: Int
    private static let all = Array(stride(from: 10_960, through: 11_920, by: 16))
    private static let taken = Mutex<Set<Int>>([])

    init() throws {
      let free = Self.taken.withLock { taken in
        let free = Self.all.shuffled().first { offset in
          !taken.contains(offset) && Ports.defaults.allSatisfy { isFree($0 + offset) }
        }
        if let free { taken.insert(free) }
        return free
      }
      guard let free else { throw IntegrationError("no free range of ports was found") }
      value = free
    }

    deinit { _ = Self.taken.withLock { $0.remove(value) } }
  }

  private static let defaults =
    [8081, 9081, 50051, 50052, 50053, 50055, 51051, 51052, 51053, 51055] + Array(50060...50063)
    + Array(51061...51063)

  /// Binds and lets go.
  static func isFree(_ port: Int) -> Bool {
    guard let holder = Holder(port: port) else { return false }
    return holder.port == port
  }

  /// Holds a TCP port of 127.0.0.1 for as long as it lives.
  final class Holder: Sendable {
    let port: Int
    let descriptor: Int32

    init?(port: Int) {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(port).bigEndian)
      address.sin_addr.s_addr = inet_addr("127.0.0.1")
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let bound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
        }
      }
      guard bound, listen(descriptor, 1) == 0 else {
        close(descriptor)
        return nil
      }
      self.descriptor = descriptor
      self.port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
  }
}
