import ArgumentParser
import OrderWire

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Exit codes that no `ErrorCode` stands for. The others come from `ErrorCode.disposition.exit`.
enum Exit {
  static let failed: Int32 = 1
  static let rejected: Int32 = 3
  static let unavailable: Int32 = 5
  static let timedOut: Int32 = 6
  /// EX_USAGE (sysexits.h).
  static let usage: Int32 = 64
}

/// Why a command did not succeed: what to tell the user, and the exit code.
struct Failure: Error, CustomStringConvertible {
  let exit: Int32
  /// Lines for standard error.
  let message: String
  /// There was no connection, or it ended before the answer: whether the request was received is not known.
  let isBrokenConnection: Bool

  init(_ exit: Int32, _ message: String, isBrokenConnection: Bool = false) {
    self.exit = exit
    self.message = message
    self.isBrokenConnection = isBrokenConnection
  }

  init(_ error: ServiceError) {
    let service = error.service.map { "\($0): " } ?? ""
    self.init(error.code.disposition.exit, "\(service)\(error.message) (\(error.code.rawValue))")
  }

  var description: String { message }
}

/// Runs a command's body: a failure becomes one message on standard error and its exit code.
func reportingFailures(_ body: () async throws -> Void) async throws {
  do {
    try await body()
  } catch let failure as Failure {
    if !failure.message.isEmpty { tell(failure.message) }
    throw ExitCode(failure.exit)
  } catch let error as ServiceError {
    let failure = Failure(error)
    tell(failure.message)
    throw ExitCode(failure.exit)
  } catch is CancellationError {
    throw ExitCode(Exit.failed)
  }
}

/// Tells the user something, on standard error.
func tell(_ text: String) {
  // There is nowhere to tell that this failed.
  _ = write(text.split(separator: "\n").map { "ordersctl: \(printable(String($0)))\n" }.joined(), to: 2)
}

/// Text from a peer must not steer the terminal: control characters become spaces.
func printable(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
}

/// Hands out data, on standard output. Throws a `Failure` when not all of it could be written.
func output(_ text: String) throws {
  guard let error = write(text.hasSuffix("\n") ? text : text + "\n", to: 1) else { return }
  throw Failure(Exit.failed, "standard output: cannot be written (\(String(cString: strerror(error))))")
}

/// Nil when there is no more to be written, else the error (errno(3)).
private func write(_ text: String, to descriptor: Int32) -> Int32? {
  var bytes = Array(text.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if written > 0 {
      bytes = bytes.dropFirst(written)
      continue
    }
    let error = written < 0 ? errno : EIO
    switch error {
    case EINTR: continue
    case EAGAIN:
      // A pipe that does not block, and is full. If there is no waiting for it, the next write says why.
      var full = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      _ = poll(&full, 1, -1)
    // A reader that has gone (`ordersctl list | head -1`) wants no more, and that is no fault.
    case EPIPE: return nil
    default: return error
    }
  }
  return nil
}
