import Foundation

/// The checkout that these tests lint.
enum Repository {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Swift files below `folder`, as paths relative to the root. Generated code is left out.
  static func swiftFiles(under folder: String) throws -> [String] {
    let base = root.appendingPathComponent(folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: base.path)
    return names.filter {
      $0.hasSuffix(".swift") && !$0.contains("Generated/") && !$0.hasSuffix("PageAssets.swift")
    }
    .map { "\(folder)/\($0)" }.sorted()
  }

  static func lines(_ path: String) throws -> [Substring] {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }
}

/// What `swift package dump-package` says, as far as it matters here.
struct Manifest: Decodable {
  struct Target: Decodable {
    let name: String
    let type: String
    let path: String?
    let dependencies: [Dependency]
  }

  struct Dependency: Decodable {
    /// A target of this package, or nil for a product of another.
    let target: String?

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      var parts: [String?] = []
      for kind in [Key.byName, Key.target] where container.contains(kind) {
        var values = try container.nestedUnkeyedContainer(forKey: kind)
        parts.append(try values.decode(String.self))
      }
      target = parts.first ?? nil
    }

    private enum Key: String, CodingKey { case byName, target, product }
  }

  let targets: [Target]

  static func load() throws -> Manifest {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("tidy-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    process.arguments = [
      "swift", "package", "--package-path", Repository.root.path, "--scratch-path", scratch.path,
      "dump-package",
    ]
    var environment = ProcessInfo.processInfo.environment
    environment["CORE_ONLY"] = nil
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Manifest.self, from: data)
  }
}
