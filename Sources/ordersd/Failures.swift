import ArgumentParser
import DaemonKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Runs a command's body. Every failure becomes a sentence on standard error and an exit status: 78 for the settings
/// (EX_CONFIG, sysexits.h), 1 for the rest; never a stack trace.
func reportingFailures(of command: String, _ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let error as ConfigurationError {
    standardError("ordersd: configuration:\n" + error.problems.map { "  \($0)\n" }.joined())
    throw ExitCode(ExitReason.configurationError)
  } catch let exit as ExitCode {
    throw exit
  } catch {
    standardError("ordersd \(command): \(error)\n")
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
