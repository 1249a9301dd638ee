import Foundation
import Synchronization

/// What went wrong in the lab itself, or what a run of it has shown to be wrong.
struct LabError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Seconds since 1970, as the logs of all hosts of the lab have them: it is one machine with one clock.
typealias WallSeconds = Double

func wallNow() -> WallSeconds { Date().timeIntervalSince1970 }

/// Waits for a condition, asking every `pause`; throws when it does not come true in time.
func eventually(
  _ what: @autoclosure () -> String, within limit: Duration, every pause: Duration = .milliseconds(20),
  _ condition: () throws -> Bool
) throws {
  let deadline = ContinuousClock.now + limit
  while try !condition() {
    if Interruption.isAsked { throw LabError("interrupted") }
    guard ContinuousClock.now < deadline else { throw LabError("not within \(limit): \(what())") }
    rest(pause)
  }
}

/// Lets time pass where time itself is what is asked for: a pace, a phase, the length of a fault.
func rest(_ duration: Duration) {
  Thread.sleep(forTimeInterval: duration / .seconds(1))
}

/// SIGINT and SIGTERM end what waits, so that everything is taken down in order. For programs; a test
/// runner has its own.
enum Interruption {
  static var isAsked: Bool { interruptionAsked.load(ordering: .relaxed) }

  static func watch() {
    // Made before a handler needs it.
    _ = isAsked
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in interruptionAsked.store(true, ordering: .relaxed) }
    }
  }
}

private let interruptionAsked = Atomic(false)

/// Programs, run to their end or left running.
enum Command {
  /// Runs `words` to the end and returns what was printed. Throws when the exit status is not 0.
  @discardableResult
  static func run(_ words: String...) throws -> String { try run(words) }

  @discardableResult
  static func run(_ words: [String]) throws -> String {
    let path = NSTemporaryDirectory() + "ordersd-lab-command-\(UUID().uuidString)"
    defer { unlink(path) }
    let pid = try spawn(words, output: path)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    let text = try String(contentsOfFile: path, encoding: .utf8)
    guard status == 0 else { throw LabError("'\(words.joined(separator: " "))' failed: \(text)") }
    return text
  }

  /// Starts `words` in a process group of its own, its output appended to the file `output`. `input` is a
  /// descriptor, or nothing.
  static func spawn(_ words: [String], output: String, input: Int32? = nil) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What the test runner ignores or blocks must not be inherited.
    var all = sigset_t()
    var none = sigset_t()
    sigfillset(&all)
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var variables = ProcessInfo.processInfo.environment
    variables["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    variables["LC_ALL"] = "C"
    variables["TZ"] = "UTC"
    var arguments = words.map { strdup($0) } + [nil]
    var environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + environment).forEach { free($0) } }
    var pid: pid_t = 0
    let failure = posix_spawnp(&pid, words[0], &actions, &attributes, &arguments, &environment)
    guard failure == 0 else {
      throw LabError("cannot start \(words[0]): \(String(cString: strerror(failure)))")
    }
    return pid
  }
}

/// A program that runs on a host of the lab.
final class LabProcess: Sendable {
  let name: String
  let pid: pid_t
  private let isOver = Mutex(false)

  init(_ name: String, _ words: [String], output: String, input: Int32? = nil) throws {
    self.name = name
    pid = try Command.spawn(words, output: output, input: input)
  }

  var isRunning: Bool {
    isOver.withLock { isOver in
      if !isOver {
        var status: Int32 = 0
        isOver = waitpid(pid, &status, WNOHANG) == pid
      }
      return !isOver
    }
  }

  /// To the process alone.
  func signal(_ signal: Int32) throws {
    guard isRunning, kill(pid, signal) == 0 else { throw LabError("\(name) does not run") }
  }

  /// To the process and what it started in its group.
  func signalGroup(_ signal: Int32) throws {
    guard isRunning, kill(-pid, signal) == 0 else { throw LabError("\(name) does not run") }
  }

  func waitUntilOver(within limit: Duration = .seconds(10)) throws {
    try eventually("\(name) has ended", within: limit, every: .milliseconds(5)) { !isRunning }
  }

  /// Ends it whatever state it is in; politely first.
  func end(within limit: Duration = .seconds(6)) throws {
    guard isRunning else { return }
    kill(-pid, SIGTERM)
    kill(-pid, SIGCONT)
    do { try waitUntilOver(within: limit) } catch {
      kill(-pid, SIGKILL)
      try waitUntilOver()
    }
  }
}

/// Undoes what was done, the last first, whatever happens on the way.
final class Cleanup: Sendable {
  private typealias Step = @Sendable () throws -> Void
  private let steps = Mutex<[Step]>([])

  func later(_ step: @escaping @Sendable () throws -> Void) { steps.withLock { $0.append(step) } }

  /// What could not be undone.
  func run() -> [String] {
    var problems: [String] = []
    while let step = steps.withLock({ $0.popLast() }) {
      do { try step() } catch { problems.append("\(error)") }
    }
    return problems
  }
}
