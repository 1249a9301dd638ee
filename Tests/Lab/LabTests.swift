import Foundation
import Synchronization
import Testing

/// Several hosts on one machine: real sockets, real multicast, real signals; and the package on booted systems.
/// As root, and only when asked for: `ORDERSD_LAB=1 swift test --filter Lab`. With ORDERSD_LAB_LOGS=<folder> all
/// logs are kept there.
@Suite("Lab", .serialized, .enabled(if: ProcessInfo.processInfo.environment["ORDERSD_LAB"] == "1"))
struct LabTests {
  private static let verdicts = Mutex<[Verdict]>([])

  /// With LAB_ONLY=<text>, those whose name contains it.
  static let chosen: [Scenario] = {
    guard let text = ProcessInfo.processInfo.environment["LAB_ONLY"] else { return Scenario.all }
    return Scenario.all.filter { $0.name.contains(text) }
  }()

  @Test(
    "Every order is carried out once, epochs only grow, and somebody always leads", arguments: chosen)
  func scenario(_ scenario: Scenario) async throws {
    let verdict = try await onThread { try scenario.run(Self.options(scenario)) }
    let all = Self.verdicts.withLock { verdicts in
      verdicts.append(verdict)
      return verdicts
    }
    print(Verdict.table(all))
    #expect(verdict.violations.isEmpty, "\(verdict.violations.joined(separator: "\n"))")
  }

  static let checkout: String = {
    var checkout = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { checkout.deleteLastPathComponent() }
    return checkout.path
  }()

  /// The programs that were built with these tests.
  private static func options(_ scenario: Scenario) -> Lab.Options {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
    var programs = URL(fileURLWithPath: bundle)
    while programs.path.contains(".xctest") { programs.deleteLastPathComponent() }
    return Lab.Options(
      programs: programs.path, checkout: checkout, slowCables: scenario.slowCables,
      keepLogsIn: ProcessInfo.processInfo.environment["ORDERSD_LAB_LOGS"])
  }
}

extension Scenario: CustomTestStringConvertible {
  var testDescription: String { name }
}
