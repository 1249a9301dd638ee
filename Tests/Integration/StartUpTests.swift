import Foundation
import Testing

/// How the programs refuse to start: the message names what is wrong and what would be right.
extension Integration {
@Suite("Start-up")
struct StartUpTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("ordersd-start-\(UUID().uuidString)")

  private func file(_ name: String, _ text: String) throws -> String {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let url = folder.appendingPathComponent(name)
    try text.write(to: url, atomically: true, encoding: .utf8)
    return url.path
  }

  @Test("An unknown key, a bad value: all in one message, with file and line; exit 78")
  func badSettings() async throws {
    let path = try file("ordersd.yaml", "log:\n  level: loud\norder-queue:\n  lesae: 5s\n")
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try await Programs.run(Programs.ordersd, ["order-queue", "--config", path, "--state", folder.path])
    #expect(result.status == 78)
    #expect(result.errors.contains("\(path):2: log.level"))
    #expect(result.errors.contains("\(path):4: order-queue.lesae"))
    #expect(result.errors.contains("order-queue.lease"))
  }

  @Test("A configuration file that cannot be read; exit 78")
  func unreadable() async throws {
    let result = try await Programs.run(Programs.ordersd, ["order-queue", "--config", "/nonexistent/ordersd.yaml"])
    #expect(result.status == 78)
    #expect(result.errors.contains("/nonexistent/ordersd.yaml") && result.errors.contains("no such file"))
  }

  @Test(
    "A port that is in use is named, with the setting that moves it",
    arguments: ["order-queue", "fraud-detection", "orchestrator"])
  func portInUse(role: String) async throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let holder = try #require(Ports.Holder(port: 0))
    let result = try await Programs.run(
      Programs.ordersd,
      [role, "--port", String(holder.port), "--admin-port", "0", "--state", folder.path], limit: .seconds(20))
    #expect(result.status == 1)
    #expect(result.errors.contains("127.0.0.1:\(holder.port) is already in use"), "\(result.errors)")
    #expect(result.errors.contains("\(role).port"))
    #expect(!result.errors.contains("Fatal error"))
  }

  @Test("An executor without an id says how to give one; exit 64 or 78")
  func executorWithoutID() async throws {
    let result = try await Programs.run(Programs.ordersd, ["executor"])
    #expect([64, 78].contains(result.status))
    #expect(result.errors.contains("--id"))
  }
}
}
