import OrderDomain
import Subprocess
import Synchronization

#if canImport(System)
  import System
#else
  import SystemPackage
#endif
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

/// Carries out an order by a command: the order's JSON on standard input, nothing of the daemon's environment
/// but `PATH`, `HOME` and `LANG`.
///
/// Exit status 0 = done; 75 (EX_TEMPFAIL, sysexits.h) = try again; any other = failed for good. A command
/// that is killed by a signal has given no verdict: try again. One whose time is up gets SIGTERM, and has its
/// say if it exits within the patience, but for 143 (128 + SIGTERM: ended by it, as shells and the JVM put it).
package struct CommandFulfilment: Fulfilment {
  /// Bytes that are kept of what the command says.
  package static let keptOutput = 1_024
  private static let temporaryFailure: Int32 = 75
  private static let endedBySIGTERM: Int32 = 128 + 15
  private static let fallbackPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  /// From SIGTERM to SIGKILL.
  private static let patience = Duration.milliseconds(500)

  private let command: [String]
  private let timeout: Duration
  private let inherited: [String: String]

  /// `environment`: the daemon's own.
  package init(command: [String], timeout: Duration, environment: [String: String]) {
    self.command = command
    self.timeout = timeout
    inherited = environment.filter { ["PATH", "HOME", "LANG"].contains($0.key) }
    // A command that exits without reading its input must not take the daemon along.
    signal(SIGPIPE, SIG_IGN)
  }

  /// What is wrong with the words of a command, whether or not its executable exists.
  package static func problem(inForm command: [String]) -> String? {
    guard let executable = command.first, !executable.isEmpty else {
      return "must name an executable when executor.fulfilment.kind is command"
    }
    guard executable.hasPrefix("/") || !executable.contains("/") else {
      return "must begin with an absolute path or a name to be found in PATH, not '\(executable.prefix(80))'"
    }
    return nil
  }

  package func problem() -> String? {
    if let problem = Self.problem(inForm: command) { return problem }
    return executable() == nil ? "\(command[0]) is not an executable file" : nil
  }

  package func fulfil(_ order: FulfilmentOrder) async -> FulfilmentResult {
    guard let executable = executable() else {
      return .tryAgain(reason: "\(command.first ?? "the command") is not an executable file")
    }
    return await withTaskGroup(of: Ending.self) { group in
      group.addTask { .verdict(await execute(executable, order)) }
      group.addTask {
        do { try await Task.sleep(for: timeout) } catch { return .stopped }
        return .timeUp
      }
      let first = await group.next() ?? .stopped
      group.cancelAll()
      let second = await group.next() ?? .stopped
      return Self.result(first, second, timeout: timeout)
    }
  }

  private enum Ending: Sendable {
    case verdict(FulfilmentResult)
    case timeUp
    /// Nobody waits for the verdict any more.
    case stopped
  }

  /// What a command completes within the patience is done, and must not be done again.
  private static func result(_ first: Ending, _ second: Ending, timeout: Duration) -> FulfilmentResult {
    switch (first, second) {
    case (.verdict(let verdict), _), (.stopped, .verdict(let verdict)): verdict
    case (.timeUp, .verdict(let verdict)):
      switch verdict {
      case .done, .failed: verdict
      case .tryAgain: .tryAgain(reason: "timed out after \(timeout)")
      }
    case (.timeUp, _): .tryAgain(reason: "timed out after \(timeout)")
    case (.stopped, _): .tryAgain(reason: "stopped")
    }
  }

  private func execute(_ executable: String, _ order: FulfilmentOrder) async -> FulfilmentResult {
    var options = PlatformOptions()
    // An own session, so that a signal reaches what the command has started as well.
    options.createSession = true
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: Self.patience)
    ]
    do {
      let result = try await Subprocess.run(
        .path(FilePath(executable)), arguments: Arguments(Array(command.dropFirst())),
        environment: environment(for: order), platformOptions: options, input: .inputWriter,
        output: .sequence,
        error: .sequence
      ) { execution in
        let (writer, output) = (execution.standardInputWriter, execution.standardOutput)
        let error = execution.standardError
        let cancelled = Mutex<ContinuousClock.Instant?>(nil)
        return await withTaskCancellationHandler {
          // A task of its own is not cancelled along: the command is heard to its end. It ends with the command.
          let said = await Task { await converse(order.body, writer, output, error) }.value
          if let begin = cancelled.withLock({ $0 }) {
            await Self.endGroup(execution, by: begin + Self.patience)
          }
          return said
        } onCancel: {
          cancelled.withLock { $0 = .now }
        }
      }
      return verdict(result.terminationStatus, result.closureResult)
    } catch {
      return .tryAgain(reason: shortened("cannot run \(executable): \(error)"))
    }
  }

  /// What the command has started may outlive it, and must not outlive the answer: the order may be carried out
  /// elsewhere by then. The library's own sequence ends with the command. That one is not reaped before, so that
  /// nobody else has its number.
  private static func endGroup<Input, Output, Failure>(
    _ execution: Execution<Input, Output, Failure>, by deadline: ContinuousClock.Instant
  ) async {
    let group = execution.processIdentifier.value
    // After SIGKILL as long again, for one that the kernel holds.
    while ProcessGroup.isAlive(group), ContinuousClock.now < deadline + patience {
      if ContinuousClock.now >= deadline {
        // Fails where the last of them has ended this moment.
        _ = try? execution.send(signal: .kill, toProcessGroup: true)
      }
      // Not cut short by the cancellation that led here.
      await Task { try? await Task.sleep(for: .milliseconds(10)) }.value
    }
  }

  private func verdict(_ status: TerminationStatus, _ said: Said) -> FulfilmentResult {
    switch status {
    case .exited(0): return .done(note: shortened(said.output))
    case .exited(let code):
      let reason = shortened(
        said.error.isEmpty ? "exit status \(code)" : "exit status \(code): \(said.error)")
      let isOpen = code == Self.temporaryFailure || (Task.isCancelled && code == Self.endedBySIGTERM)
      return isOpen ? .tryAgain(reason: reason) : .failed(reason: reason)
    case .signaled(let signal):
      return .tryAgain(reason: shortened("killed by signal \(signal): \(said.error)"))
    }
  }

  // MARK: Its input and output

  private struct Said: Sendable {
    var output = ""
    var error = ""
  }

  private func converse(
    _ body: [UInt8], _ writer: StandardInputWriter, _ output: SubprocessOutputSequence,
    _ error: SubprocessOutputSequence
  ) async -> Said {
    async let head = read(output, keepingLast: false)
    async let tail = read(error, keepingLast: true)
    do {
      _ = try await writer.write(body)
      try await writer.finish()
    } catch {
      // A command need not read its input; its exit status is what counts.
    }
    return await Said(output: head, error: tail)
  }

  /// Reads to the end, so that the command never waits for a full pipe, and keeps the first or the last
  /// bytes.
  private func read(_ sequence: SubprocessOutputSequence, keepingLast: Bool) async -> String {
    var kept: [UInt8] = []
    do {
      for try await buffer in sequence {
        let bytes = buffer.withUnsafeBytes { Array($0) }
        if keepingLast {
          kept = Array((kept + bytes.suffix(Self.keptOutput)).suffix(Self.keptOutput))
        } else if kept.count < Self.keptOutput {
          kept += bytes.prefix(Self.keptOutput - kept.count)
        }
      }
    } catch {
      // What was read so far is all there is.
    }
    return String(decoding: kept, as: UTF8.self)
  }

  private func shortened(_ text: String) -> String {
    var text = text.drop(while: \.isWhitespace)
    while let last = text.last, last.isWhitespace { text.removeLast() }
    while text.utf8.count > Self.keptOutput { text.removeLast() }
    return String(text)
  }

  // MARK: Its surroundings

  private func environment(for order: FulfilmentOrder) -> Environment {
    var variables: [Environment.Key: String] = [
      "PATH": inherited["PATH"] ?? Self.fallbackPath,
      "ORDER_ID": "\(order.id)", "IDEMPOTENCY_KEY": "\(order.id)", "EPOCH": "\(order.epoch)",
      "FENCING_TOKEN": "\(order.epoch)", "ATTEMPT": "\(order.attempt)", "EXECUTOR_ID": order.executor,
    ]
    if let home = inherited["HOME"] { variables["HOME"] = home }
    if let language = inherited["LANG"] { variables["LANG"] = language }
    return .custom(variables)
  }

  /// The absolute path of the executable, `nil` while there is none.
  private func executable() -> String? {
    guard let name = command.first else { return nil }
    let folders = (inherited["PATH"] ?? Self.fallbackPath).split(separator: ":").filter { $0.hasPrefix("/") }
    let candidates = name.hasPrefix("/") ? [name] : folders.map { "\($0)/\(name)" }
    return candidates.first { path in
      var isDirectory = false
      return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory
        && FileManager.default.isExecutableFile(atPath: path)
    }
  }
}
