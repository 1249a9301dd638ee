/// How a child process ended.
package enum ExitReason: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case killed(signal: Int32)
  /// It never ran.
  case notStarted(String)

  /// EX_CONFIG (sysexits.h): starting it again with the same settings cannot help.
  package static let configurationError: Int32 = 78

  package var description: String {
    switch self {
    case .exited(Self.configurationError): "exited with 78 (configuration error)"
    case .exited(let code): "exited with \(code)"
    case .killed(let signal): "was killed by signal \(signal)" + (Self.names[signal].map { " (\($0))" } ?? "")
    case .notStarted(let why): "could not be started: \(why)"
    }
  }

  /// signal(7), the numbers that are the same on x86 and ARM.
  private static let names: [Int32: String] = [
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM",
  ]
}
