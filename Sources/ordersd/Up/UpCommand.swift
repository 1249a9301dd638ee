import ArgumentParser
import DaemonKit
import KernelCalls
import Synchronization

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

struct UpCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Runs every role on this machine, for development.",
    discussion: """
      Each role is a process of its own, watched as systemd would watch it: readiness and watchdog over a private
      NOTIFY_SOCKET, a restart when it dies. Ctrl-C stops them all; a second Ctrl-C does so at once.
      State goes to ${XDG_STATE_HOME:-~/.local/state}/ordersd unless --state or a setting says otherwise; up.json in it
      names the processes and ports.
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: "How many executors, 0 to 9; the one with the highest id leads.")
  var executors = 3
  @Option(
    help:
      "Command, with its arguments, that carries an order out: it gets the order as JSON on standard input.")
  var fulfilmentCommand: String?

  @Option(
    help: """
      How long a role that died is left dead, 0s to 1h; longer with each further death (default: 100ms, but 3s for an \
      executor, so that the next one takes over and the failover can be seen).
      """)
  var restartDelay: DurationArgument?

  @Option(
    help: ArgumentHelp("What the restart delay grows to, 0s to 1h (default: 5s).", visibility: .hidden))
  var longestRestartDelay: DurationArgument?

  func validate() throws {
    guard restartDelay?.duration ?? .zero <= .seconds(3_600) else {
      throw ValidationError("--restart-delay must be 0s to 1h")
    }
    guard longestRestartDelay?.duration ?? .zero <= .seconds(3_600) else {
      throw ValidationError("--longest-restart-delay must be 0s to 1h")
    }
    guard (0...9).contains(executors) else {
      throw ValidationError("--executors must be a whole number from 0 to 9")
    }
  }

  func run() async throws {
    try await reportingFailures(of: "up") {
      signal(SIGPIPE, SIG_IGN)
      // As the units do; the roles inherit it.
      SchedulingPolicy.useBatch()
      let started = ContinuousClock().now
      let plan = try UpPlan(
        common: common, executors: executors, fulfilmentCommand: fulfilmentCommand,
        restartDelay: restartDelay?.duration,
        environment: ProcessInfo.processInfo.environment)
      let folder = try UpFolder(path: plan.state)
      let runtime = try RuntimeFolder()
      defer { runtime.remove() }
      defer { folder.removeReport() }
      let console = Console(names: plan.children.map(\.name))
      let launcher = ChildLauncher(
        executable: ChildLauncher.ownExecutable(), arguments: plan.sharedArguments, console: console)
      let reportFailed = Atomic<Bool>(false)
      var limits = ChildSupervision.Limits()
      limits.watchdog = ChildLauncher.watchdog
      if let longest = longestRestartDelay?.duration { limits.longestRestart = longest }
      let supervisor = Supervisor(
        stages: plan.stages, launcher: launcher, console: console, clocks: .system,
        runtimeFolder: runtime.path,
        limits: limits
      ) { machines in
        do {
          try folder.save(plan.report(machines))
        } catch  where !reportFailed.exchange(true, ordering: .relaxed) {
          console.failure("cannot write \(folder.path)/up.json: \(error)")
        } catch {
          // Said once.
        }
      }
      let outcome = await supervisor.run {
        console.plain(plan.welcome(after: started.duration(to: ContinuousClock().now)))
      }
      if case .failed(let name, let reason) = outcome {
        console.failure(failureText(name, reason, await supervisor.lastLines(of: name)))
        throw ExitCode(
          reason == .exited(.exited(ExitReason.configurationError)) ? ExitReason.configurationError : 1)
      }
      console.plain("Stopped.")
    }
  }

  private func failureText(_ name: String, _ reason: ChildSupervision.GiveUp, _ lines: [String]) -> String {
    var text =
      switch reason {
      case .exited(let exit): "\(name) cannot run: it \(exit)"
      case .notReady(let limit): "\(name) was not ready within \(DurationText.format(limit))"
      }
    if !lines.isEmpty { text += "\n  its last lines:" + lines.map { "\n    \($0)" }.joined() }
    return text
  }
}

/// A private folder (0700) for the notification sockets; short, because a socket's path may have 107 bytes (unix(7)).
private struct RuntimeFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/ordersd-up.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp in /tmp", errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  func remove() {
    // Left behind at worst: an empty folder in /tmp.
    try? FileManager.default.removeItem(atPath: path)
  }
}
