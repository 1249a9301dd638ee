import Foundation
import Testing

/// The package in use: on booted systemds and in containers. Each is a script of its own, whose checks and
/// prerequisites are there.
enum Machine: String, CaseIterable, Sendable {
  /// One booted systemd.
  case systemd
  /// Three on a bridge.
  case hosts
  /// The Compose file in a Docker of its own.
  case compose

  private static let variables = ProcessInfo.processInfo.environment

  /// All, or those of LAB_MACHINES, with commas.
  static let chosen: [Machine] = {
    guard let text = variables["LAB_MACHINES"] else { return Array(allCases) }
    return text.split(separator: ",").compactMap { Machine(rawValue: String($0)) }
  }()

  /// The command that runs it; `report` is a file for its report.
  func words(checkout: String, package: String, report: String) -> [String] {
    var words = ["\(checkout)/tools/lab-\(rawValue)", "--report", report]
    if self == .systemd, let parts = Self.variables["LAB_PARTS"] { words += ["--only", parts] }
    return words + [package]
  }

  /// LAB_PACKAGE, or one that is made now, in `folder`.
  static func package(checkout: String, folder: String) throws -> String {
    if let package = variables["LAB_PACKAGE"] { return package }
    try Command.run([
      "env", "PATH=\(variables["PATH"] ?? "")", "make", "-C", checkout, "deb", "DEB_OUTPUT=\(folder)",
    ])
    let made = try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".deb") }
    guard let made else { throw LabError("make deb has made no package in \(folder)") }
    return "\(folder)/\(made)"
  }
}

extension LabTests {
  /// With ORDERSD_LAB_LOGS=<folder> the reports are left there.
  @Test("The package is installed, used, broken, upgraded and removed", arguments: Machine.chosen)
  func machine(_ machine: Machine) async throws {
    let folder = NSTemporaryDirectory() + "ordersd-lab-\(getpid())-\(UUID().uuidString.prefix(8))"
    let reports = ProcessInfo.processInfo.environment["ORDERSD_LAB_LOGS"] ?? folder
    for path in [folder, reports] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let checkout = Self.checkout
    let told = try await onThread {
      let package = try Machine.package(checkout: checkout, folder: folder)
      return try Command.run(
        machine.words(
          checkout: checkout, package: package, report: "\(reports)/lab-\(machine.rawValue).md"))
    }
    print(told)
    #expect(told.contains("checks hold, 0 do not"))
  }
}
