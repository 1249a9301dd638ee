import Foundation
import Testing

/// `ordersd reload`, which is what `systemctl reload` runs.
extension Integration {
  @Suite("Reload")
  struct ReloadTests {
    @Test("A good file is in force afterwards; a bad one changes nothing, and says why; exit 78")
    func goodAndBad() async throws {
      let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("ordersd-reload-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let settings = folder.appendingPathComponent("ordersd.yaml")
      func write(_ text: String) throws { try text.write(to: settings, atomically: true, encoding: .utf8) }
      try write("log:\n  level: info\n")

      let log = folder.appendingPathComponent("log")
      _ = FileManager.default.createFile(atPath: log.path, contents: nil)
      func logged(_ text: String) throws -> Bool {
        try String(contentsOf: log, encoding: .utf8).contains(text)
      }
      let role = Process()
      role.executableURL = Programs.ordersd
      role.arguments = [
        "order-queue", "--config", settings.path, "--state", folder.path, "--port", "0", "--admin-port", "0",
      ]
      let environment = ["RUNTIME_DIRECTORY": folder.path]
      role.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
      role.standardError = try FileHandle(forWritingTo: log)
      role.standardInput = FileHandle.nullDevice
      try role.run()
      defer {
        role.terminate()
        role.waitUntilExit()
      }
      try await eventually("the queue is ready", within: .seconds(20)) { try logged("Ready.") }
      func reload() async throws -> ProgramResult {
        try await Programs.run(
          Programs.ordersd, ["reload", "\(role.processIdentifier)"], environment: environment)
      }

      try write("log:\n  level: debug\norder-queue:\n  lease: 7s\nfraud-detection:\n  port: 61001\n")
      let good = try await reload()
      #expect(good.status == 0, "\(good.errors)")
      #expect(good.output.contains("log.level info -> debug"))
      #expect(good.output.contains("only after a restart: order-queue.lease"))
      #expect(!good.output.contains("fraud-detection"), "another role's setting")

      try write("log:\n  level: loud\norder-queue:\n  lesae: 7s\n")
      let bad = try await reload()
      #expect(bad.status == 78)
      #expect(bad.errors.contains("\(settings.path):2: log.level"))
      #expect(bad.errors.contains("\(settings.path):4: order-queue.lesae"))
      #expect(try logged("are refused; those before stay in force"))
      #expect(role.isRunning)

      try write("log:\n  level: debug\n")
      let mended = try await reload()
      #expect(mended.status == 0)
      #expect(mended.output == "in force: nothing new; only after a restart: nothing\n")
    }

    @Test("A process that is not there, or a folder that is not named, is told of; exit 1")
    func nobody() async throws {
      let nowhere = try await Programs.run(
        Programs.ordersd, ["reload", "\(Int32.max)", "--folder", "/nonexistent"])
      #expect(nowhere.status == 1 && nowhere.errors.contains("cannot signal process"))
      let unnamed = try await Programs.run(
        Programs.ordersd, ["reload", "\(Int32.max)"], environment: ["RUNTIME_DIRECTORY": ""])
      #expect(unnamed.status == 1 && unnamed.errors.contains("--folder"))
    }
  }
}
