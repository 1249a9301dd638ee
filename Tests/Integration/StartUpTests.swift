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
      let result = try await Programs.run(
        Programs.ordersd, ["order-queue", "--config", path, "--state", folder.path])
      #expect(result.status == 78)
      #expect(result.errors.contains("\(path):2: log.level"))
      #expect(result.errors.contains("\(path):4: order-queue.lesae"))
      #expect(result.errors.contains("order-queue.lease"))
    }

    @Test("A configuration file that cannot be read; exit 78")
    func unreadable() async throws {
      let result = try await Programs.run(
        Programs.ordersd, ["order-queue", "--config", "/nonexistent/ordersd.yaml"])
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
        [role, "--port", String(holder.port), "--admin-port", "0", "--state", folder.path],
        limit: .seconds(20))
      #expect(result.status == 1)
      #expect(result.errors.contains("127.0.0.1:\(holder.port) is already in use"), "\(result.errors)")
      #expect(result.errors.contains("\(role).port"))
      #expect(!result.errors.contains("Fatal error"))
    }

    @Test("A variable that is no setting is named, with the one that was meant; exit 78")
    func unknownVariable() async throws {
      let result = try await Programs.run(
        Programs.ordersd, ["order-queue", "--state", folder.path],
        environment: ["ORDERSD_ORDER_QUEUE_LAESE": "5s"])
      #expect(result.status == 78)
      #expect(
        result.errors.contains(
          "ORDERSD_ORDER_QUEUE_LAESE: unknown setting; did you mean 'ORDERSD_ORDER_QUEUE_LEASE'?"))
    }

    @Test("Every ORDERSD_… variable that the project's tools and launchers use is taken")
    func ownVariables() async throws {
      var names: Set<String> = []
      for path in [
        "docker-compose.yml", "Makefile", "packaging/docker/Dockerfile", "tools/protos", ".ci/run",
      ] {
        let text = try String(contentsOf: Programs.root.appendingPathComponent(path), encoding: .utf8)
        for match in text.matches(of: /ORDERSD_[A-Z_]*[A-Z]/) { names.insert(String(match.output)) }
      }
      #expect(names.count > 8)
      let result = try await Programs.run(
        Programs.ordersd, ["settings"], environment: Dictionary(uniqueKeysWithValues: names.map { ($0, "x") })
      )
      #expect(!result.errors.contains("unknown setting"), "\(result.errors)")
    }

    private struct Setting: Decodable, Equatable {
      let key: String
      let value: String
      let `default`: String
      let from: String
    }

    private func settings(_ arguments: String...) async throws -> [String: Setting] {
      let result = try await Programs.run(Programs.ordersd, ["settings", "-o", "json"] + arguments)
      try #require(result.status == 0, "\(result.errors)")
      let settings = try JSONDecoder().decode([Setting].self, from: Data(result.output.utf8))
      return Dictionary(uniqueKeysWithValues: settings.map { ($0.key, $0) })
    }

    @Test("'ordersd settings' tells each value and where it comes from")
    func effectiveSettings() async throws {
      let path = try file("ordersd.yaml", "log:\n  level: debug\norder-queue:\n  lease: 5s\n")
      defer { try? FileManager.default.removeItem(at: folder) }
      let all = try await settings("--config", path, "--set", "order-queue.lease=7s", "--port-offset", "100")
      #expect(
        all["log.level"] == Setting(key: "log.level", value: "debug", default: "info", from: "\(path):2"))
      #expect(
        all["order-queue.lease"]
          == Setting(key: "order-queue.lease", value: "7s", default: "30s", from: "--set order-queue.lease"))
      #expect(
        all["suggestions.limit"]
          == Setting(key: "suggestions.limit", value: "3", default: "3", from: "default"))
      #expect(all["order-queue.port"]?.value == "50155" && all["order-queue.port"]?.default == "50055")
      #expect(all["executor.id"]?.value == "none" && all["executor.port"]?.value == "50160 + id")
    }

    @Test("'ordersd settings' finds the mistakes that a role would; exit 78")
    func badSettingsAreListed() async throws {
      let path = try file("ordersd.yaml", "log:\n  level: loud\n")
      defer { try? FileManager.default.removeItem(at: folder) }
      let result = try await Programs.run(
        Programs.ordersd, ["settings", "--config", path, "--set", "order-queue.lesae=5s"],
        environment: ["ORDERSD_LOG_FROMAT": "json"])
      #expect(result.status == 78 && result.output.isEmpty)
      for place in ["\(path):2: log.level", "--set order-queue.lesae", "ORDERSD_LOG_FROMAT"] {
        #expect(result.errors.contains(place), "\(result.errors)")
      }
    }

    @Test("packaging/ordersd.yaml is what 'ordersd settings -o yaml' prints")
    func settingsFile() async throws {
      let result = try await Programs.run(Programs.ordersd, ["settings", "-o", "yaml"])
      #expect(result.status == 0)
      let file = Programs.root.appendingPathComponent("packaging/ordersd.yaml")
      #expect(
        try result.output == String(contentsOf: file, encoding: .utf8),
        "ordersd settings -o yaml > packaging/ordersd.yaml")
      #expect(
        try await Programs.run(Programs.ordersd, ["settings", "-o", "yaml", "--set", "bind=::"]).status == 64)
    }

    @Test("The settings file, with its comment marks taken away, sets every setting to its default")
    func settingsFileIsTheDefaults() async throws {
      defer { try? FileManager.default.removeItem(at: folder) }
      let printed = try await Programs.run(Programs.ordersd, ["settings", "-o", "yaml"]).output
      var examples: [String] = []
      let lines = printed.split(separator: "\n").compactMap { line -> String? in
        // '# Text' is a comment, '#key: value' and '#  key: value' are settings.
        guard line.firstMatch(of: /^#(?:  )*[a-z]/) != nil else { return nil }
        guard line.contains("# example; default: ") else { return String(line.dropFirst()) }
        examples.append(String(line.dropFirst().drop { $0 == " " }.prefix { $0 != ":" }))
        return nil
      }
      let path = try file("ordersd.yaml", lines.joined(separator: "\n"))
      let all = try await settings("--config", path)
      for setting in all.values {
        let name = setting.key.split(separator: ".").last.map(String.init) ?? ""
        if setting.from == "default" {
          #expect(examples.contains(name), "\(setting.key) is not in the file")
        } else {
          #expect(setting.from.hasPrefix(path) && setting.value == setting.default, "\(setting)")
        }
      }
      #expect(all.values.filter { $0.from == "default" }.count == examples.count)
      #expect(all.count > 40)
    }

    @Test("An executor without an id says how to give one; exit 64 or 78")
    func executorWithoutID() async throws {
      let result = try await Programs.run(Programs.ordersd, ["executor"])
      #expect([64, 78].contains(result.status))
      #expect(result.errors.contains("--id"))
    }
  }
}
