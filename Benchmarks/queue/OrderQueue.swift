import Foundation

/// ordersd's order queue in its embedded form, through `ordersctl bench queue`.
final class OrderQueue: Contender {
  let name = "ordersd"
  let durability = "SQLite WAL, synchronous=FULL: on disk before each answer, leases too"
  private let programs: String
  private let folder: String
  private let port: Int
  private var child: Child?
  private var lanes = 0

  init(programs: String, folder: String, port: Int) {
    self.programs = programs
    self.folder = "\(folder)/ordersd"
    self.port = port
  }

  private struct Figures: Decodable {
    var fillSeconds: Double
    var cyclesPerSecond: Double
    var p50Ms: Double
    var p99Ms: Double
  }

  private func bench(_ arguments: [String]) throws -> Figures {
    let text = try output(
      ["\(programs)/ordersctl", "bench", "queue", "--queue", "127.0.0.1:\(port)", "-o", "json"] + arguments)
    return try JSONDecoder().decode(Figures.self, from: Data(text.utf8))
  }

  func start() throws { _ = try launch() }

  private func launch() throws -> Double {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    child = try Child(
      [
        "\(programs)/ordersd", "order-queue", "--state", folder, "--port", "\(port)",
        "--admin-port", "\(port + 1)", "--set", "order-queue.capacity=2000000",
      ], folder: folder, log: "\(folder)/log")
    return try eventually("ordersd answers") {
      (try? output(["\(programs)/ordersctl", "queue", "stats", "--queue", "127.0.0.1:\(port)"])) != nil
    }
  }

  func fill(_ count: Int, body: Int) throws -> Double {
    try bench(["--fill", "\(count)", "--for", "0s", "--body", "\(body)"]).fillSeconds
  }

  func restart() throws -> Double {
    stop()
    return try launch()
  }

  func run(_ load: Load) throws -> Outcome {
    let figures = try bench([
      "--in-flight", "\(load.inFlight)", "--for", "\(Int(load.time * 1_000))ms", "--warm-up",
      "\(Int(load.warmUp * 1_000))ms", "--body", "\(load.body)",
    ])
    return Outcome(perSecond: figures.cyclesPerSecond, p50: figures.p50Ms, p99: figures.p99Ms)
  }

  func memory() -> Int { child?.memory ?? 0 }
  func stop() { child?.stop() }
}
