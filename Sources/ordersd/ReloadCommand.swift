import ArgumentParser
import DaemonKit

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Behind `ExecReload=`: with `kill -HUP` alone, systemctl would return before the settings are in force, and
/// would not learn that they were refused.
struct ReloadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reload",
    abstract:
      "Makes a running role read its settings again, and says what came of it; for 'systemctl reload'.",
    discussion: """
      Sends SIGHUP to the role and waits for its report. In force without a restart: log.level, and the fraud rules.
      Exit status: 0 in force, 78 the new settings are wrong and those before stay in force, 1 no answer.
      """)

  /// Less than systemd waits for (TimeoutStartSec=).
  private static let patience: Duration = .seconds(10)

  @Argument(help: "The role's process id.")
  var pid: Int32
  @Option(help: "The role's runtime folder. Default: $RUNTIME_DIRECTORY, which systemd sets.")
  var folder: String?

  func validate() throws {
    guard pid > 1 else { throw ValidationError("the process id must be greater than 1") }
  }

  func run() async throws {
    try await reportingFailures(of: "reload") {
      let environment = ProcessInfo.processInfo.environment
      guard let report = folder.map(ReloadReport.init(folder:)) ?? ReloadReport(environment: environment)
      else {
        throw ReloadError("needs --folder, or $RUNTIME_DIRECTORY: the runtime folder of the role")
      }
      let before = report.read()
      guard kill(pid, SIGHUP) == 0 else {
        throw ReloadError("cannot signal process \(pid): \(String(cString: strerror(errno)))")
      }
      let outcome = try await answer(report, after: before)
      guard outcome.isAdopted else {
        throw ConfigurationError(outcome.text.split(separator: "\n").map(String.init))
      }
      standardOutput(outcome.text + "\n")
    }
  }

  private func answer(_ report: ReloadReport, after before: ReloadReport.Outcome?) async throws
    -> ReloadReport.Outcome
  {
    let deadline = ContinuousClock.now + Self.patience
    while ContinuousClock.now < deadline {
      if let outcome = report.read(), outcome != before { return outcome }
      guard kill(pid, 0) == 0 else { throw ReloadError("process \(pid) has ended") }
      try await Task.sleep(for: .milliseconds(20))
    }
    throw ReloadError("process \(pid) has not answered within \(DurationText.format(Self.patience))")
  }
}

private struct ReloadError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
