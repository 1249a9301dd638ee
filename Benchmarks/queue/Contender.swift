import Foundation

/// What is asked of a contender in one measurement.
struct Load: Sendable {
  var inFlight: Int
  var time: Double
  var warmUp: Double
  var body: Int
}

/// What came out. Latencies in milliseconds, of whole cycles.
struct Outcome: Sendable {
  var perSecond: Double
  var p50: Double
  var p99: Double
}

/// A queue that runs on this machine: started, filled, loaded and stopped by the benchmark.
protocol Contender: AnyObject {
  var name: String { get }
  /// When it says that something is durable.
  var durability: String { get }
  /// Starts it on an empty folder.
  func start() throws
  /// Puts so many orders into it, and says how long that took. Need not be durable one by one.
  func fill(_ count: Int, body: Int) throws -> Double
  /// Ends it in good order and starts it again; says how long that took until it answers.
  func restart() throws -> Double
  func run(_ load: Load) throws -> Outcome
  /// Resident memory of its processes, in bytes.
  func memory() -> Int
  func stop()
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

func say(_ text: String) { FileHandle.standardError.write(Data("queue: \(text)\n".utf8)) }

/// Seconds on a clock that only goes forward.
func seconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A program that was started here and is ended here, by its id.
final class Child {
  private let process = Process()
  private let name: String

  var id: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }

  /// `command`: found along PATH. It dies with the benchmark, however that ends (setpriv(1)).
  init(_ command: [String], user: String? = nil, folder: String, log: String) throws {
    name = command[0]
    process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
    let asUser = user.map { ["--reuid", $0, "--regid", $0, "--clear-groups"] } ?? []
    process.arguments = ["--pdeathsig", "KILL"] + asUser + command
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    guard FileManager.default.createFile(atPath: log, contents: nil),
      let file = FileHandle(forWritingAtPath: log)
    else { throw BenchError("\(log) cannot be written") }
    process.standardOutput = file
    process.standardError = file
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  func stop(_ signal: Int32 = SIGTERM) {
    guard process.isRunning else { return }
    kill(id, signal)
    process.waitUntilExit()
  }

  /// Resident bytes (proc(5), statm).
  var memory: Int {
    guard let text = try? String(contentsOfFile: "/proc/\(id)/statm", encoding: .utf8) else { return 0 }
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(getpagesize())
  }
}

/// Runs a program to its end and returns what it printed. Throws when it fails.
@discardableResult
func output(_ command: [String], user: String? = nil, folder: String = "/", input: String? = nil) throws
  -> String
{
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
  let asUser = user.map { ["--reuid", $0, "--regid", $0, "--clear-groups"] } ?? []
  process.arguments = ["--pdeathsig", "KILL"] + asUser + command
  process.currentDirectoryURL = URL(fileURLWithPath: folder)
  let output = Pipe()
  let errors = Pipe()
  process.standardOutput = output
  process.standardError = errors
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw BenchError("\(command.joined(separator: " ")): \(problem.suffix(600))")
  }
  return text
}

/// Waits until `condition` holds; says how long that took.
@discardableResult
func eventually(_ what: String, within limit: Double = 120, _ condition: () throws -> Bool) throws -> Double {
  let began = seconds()
  while seconds() < began + limit {
    if try condition() { return seconds() - began }
    usleep(5_000)
  }
  throw BenchError("not within \(limit) s: \(what)")
}

func percentile(_ share: Double, of sorted: [Double]) -> Double {
  guard !sorted.isEmpty else { return 0 }
  return sorted[min(sorted.count, max(1, Int((Double(sorted.count) * share).rounded(.up)))) - 1]
}
