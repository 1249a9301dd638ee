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

/// The state folder of `ordersd up`: one `up` at a time, and a file that says what runs.
final class UpFolder: Sendable {
  let path: String
  private let lockDescriptor: Int32

  /// `${XDG_STATE_HOME:-~/.local/state}/ordersd` (XDG Base Directory Specification).
  static func defaultPath(_ environment: [String: String]) -> String {
    if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return "\(base)/ordersd" }
    return (environment["HOME"] ?? "/tmp") + "/.local/state/ordersd"
  }

  /// Makes the folder and takes its lock (flock(2): it goes with the process). Throws `FolderError`.
  init(path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw FolderError("cannot make the state folder \(path) (\(Self.reason(path))); --state names another")
    }
    let file = "\(path)/up.lock"
    let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw FolderError(
        "cannot write \(file): \(String(cString: strerror(errno))); --state names another folder")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      let holder = (try? String(contentsOfFile: file, encoding: .utf8)).flatMap {
        Int32($0.prefix { $0.isNumber })
      }
      let who = holder.map { " (pid \($0))" } ?? ""
      throw FolderError(
        "another 'ordersd up'\(who) uses the state folder \(path); stop it, or give --state and --port-offset"
      )
    }
    lockDescriptor = descriptor
    let text = Array("\(getpid())\n".utf8)
    guard ftruncate(descriptor, 0) == 0, write(descriptor, text, text.count) == text.count else {
      throw FolderError("cannot write \(file): \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(lockDescriptor) }

  /// Replaces `up.json` whole.
  func save(_ report: UpReport) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try encoder.encode(report).write(to: URL(fileURLWithPath: "\(path)/up.json"), options: .atomic)
  }

  func removeReport() { unlink("\(path)/up.json") }

  private static func reason(_ path: String) -> String {
    FileManager.default.fileExists(atPath: path)
      ? "a file is in the way" : "permission denied, or no such parent"
  }
}

struct FolderError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// `up.json`: what `ordersd up` runs now, for tools and tests.
struct UpReport: Encodable {
  struct Role: Encodable {
    /// Of the process that runs now; absent while there is none.
    var pid: Int32?
    var host: String
    var port: Int
    var adminPort: Int
    var ready: Bool
    var restarts: Int
  }

  /// Of the supervisor.
  var pid: Int32
  var state: String
  var portOffset: Int
  /// The page and the REST interface.
  var url: String
  /// All roles answer.
  var ready: Bool
  var roles: [String: Role]
}
