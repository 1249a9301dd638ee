import DaemonKit
import Subprocess
import SystemPackage

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

/// A role as `ordersd up` runs it.
struct ChildSpecification: Sendable {
  /// `order-queue`, `executor-3`.
  let name: String
  let arguments: [String]
  let server: NetworkEndpoint
  let admin: NetworkEndpoint
  /// How long it is left dead, the first time.
  let restartDelay: Duration
}

/// Runs children: this very binary, in a process group of their own, so that Ctrl-C reaches the supervisor only.
struct ChildLauncher: Sendable {
  /// Of `WATCHDOG_USEC`.
  static let watchdog: Duration = .seconds(10)

  let executable: String
  /// Options that every child gets.
  let arguments: [String]
  let console: Console

  /// The file of this process: by its name if it is still there, else (it was rebuilt) the very same file.
  static func ownExecutable() -> String {
    let link = "/proc/self/exe"
    guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
      FileManager.default.isExecutableFile(atPath: path)
    else { return link }
    return path
  }

  /// Runs a child to its end. `started` gets its pid.
  func run(
    _ child: ChildSpecification, notifySocket: String, recent: RecentLines,
    started: @Sendable (Int32) async -> Void
  ) async -> ExitReason {
    var options = PlatformOptions()
    options.processGroupID = 0
    let environment = Environment.inherit.updating([
      "NOTIFY_SOCKET": notifySocket, "WATCHDOG_USEC": "\(Self.watchdog.components.seconds * 1_000_000)",
      // The child's pid is not known yet, and without a pid the interval holds for whoever reads it.
      "WATCHDOG_PID": nil, "STATE_DIRECTORY": nil, "JOURNAL_STREAM": nil,
    ])
    do {
      let result = try await Subprocess.run(
        .path(.init(executable)), arguments: Arguments(child.arguments + arguments + ["--stop-with-parent"]),
        environment: environment, platformOptions: options,
        // Never written to: its end tells the child that the supervisor is gone.
        input: .inputWriter, output: .sequence, error: .combinedWithOutput
      ) { execution -> Int32 in
        let pid = execution.processIdentifier.value
        await started(pid)
        var lines = LineAssembler()
        for try await buffer in execution.standardOutput {
          show(lines.append(buffer.bytes), of: child, recent)
        }
        if let line = lines.finish() { show([line], of: child, recent) }
        return pid
      }
      // What the child started in its own group does not outlive it; a fulfilment command has a session of its own.
      kill(-result.closureResult, SIGKILL)
      switch result.terminationStatus {
      case .exited(let code): return .exited(code)
      case .signaled(let signal): return .killed(signal: signal)
      }
    } catch {
      return .notStarted("\(error)")
    }
  }

  private func show(_ lines: [String], of child: ChildSpecification, _ recent: RecentLines) {
    guard !lines.isEmpty else { return }
    recent.append(lines)
    console.log(child.name, lines)
  }
}
