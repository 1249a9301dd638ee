import ArgumentParser
import DaemonKit
import JournalLog
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs a command's body. Every failure becomes a sentence and an exit status: 78 for the settings
/// (EX_CONFIG, sysexits.h), 1 for the rest; never a stack trace. The sentence goes to `journal` if there is
/// one, as an event that is explained there; else to standard error.
func reportingFailures(
  of command: String, journal: Logger? = nil, _ body: () async throws -> Void
) async throws {
  do {
    try await body()
  } catch let error as ConfigurationError {
    if let journal {
      journal.tell(
        DaemonEvent.configurationInvalid,
        metadata: [
          "reason": "\(error.problems.joined(separator: "\n"))", "mistakes": "\(error.problems.count)",
        ])
    } else {
      standardError("ordersd: configuration:\n" + error.problems.map { "  \($0)\n" }.joined())
    }
    throw ExitCode(ExitReason.configurationError)
  } catch let exit as ExitCode {
    throw exit
  } catch {
    if let journal {
      journal.tell(DaemonEvent.failed, metadata: ["reason": "\(error)"])
    } else {
      standardError("ordersd \(command): \(error)\n")
    }
    throw ExitCode.failure
  }
}

func standardError(_ text: String) { writeAll(text, to: 2) }
func standardOutput(_ text: String) { writeAll(text, to: 1) }

private func writeAll(_ text: String, to descriptor: Int32) {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written < 0 && errno == EINTR { continue }
    // Nobody reads any more, and there is nowhere to say so.
    if written <= 0 { return }
    bytes = bytes.dropFirst(written)
  }
}
