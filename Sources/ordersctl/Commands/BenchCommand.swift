import ArgumentParser
import DaemonKit
import GRPCCore
import GRPCSupport
import NIOCore
import NIOPosix
import OrderProtos
import OrderWire

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures a running service.", subcommands: [BenchQueueCommand.self])
}

/// Enqueue, lease and ack over the streams that the orchestrator and the executors use.
struct BenchQueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Durable cycles of enqueue, lease and ack against the order queue, in a lane of their own.",
    discussion: """
      A cycle enqueues an order and asks for one; it ends when the enqueueing is answered and the order that \
      was handed out is acknowledged. What --fill put in stays in the queue, so use it on a queue for tests.
      """)

  @OptionGroup var queue: QueueOptions
  @Option(help: "Cycles that are under way at a time.")
  var inFlight = 16
  @Option(name: .customLong("for"), help: "How long to measure; 0s only fills.")
  var time = DurationArgument(.seconds(10))
  @Option(help: "How long to run before measuring.")
  var warmUp = DurationArgument(.seconds(1))
  @Option(help: "Bytes of an order's body.")
  var body = 512
  @Option(help: "Orders to put into the lane first.")
  var fill = 0
  @Option(help: "The lane; claiming it takes it from an executor with a lower id.")
  var lane = "bench"
  @Option(help: "The executor's id that the lane is claimed with.")
  var executor = 65_535
  @OptionGroup var output: OutputOptions

  func validate() throws {
    func check(_ value: Int, _ range: ClosedRange<Int>, _ name: String) throws {
      guard range.contains(value) else {
        throw ValidationError("--\(name) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
      }
    }
    try check(inFlight, 1...1_024, "in-flight")
    try check(body, 0...65_536, "body")
    try check(fill, 0...100_000_000, "fill")
    try check(executor, 1...65_535, "executor")
  }

  func run() async throws {
    NIOSingletons.groupLoopCountSuggestion = 1
    try await reportingFailures {
      let plan = BenchPlan(
        lane: lane, executor: UInt32(executor), inFlight: inFlight, bodySize: body, fill: fill,
        time: time.duration, warmUp: warmUp.duration)
      let figures = try await measure(plan, at: try queue.endpoint())
      try Printer(format: output.format).object(figures.fields, name: "bench/queue", json: figures.json)
    }
  }

  /// On one thread, as the services are: what the client costs is part of what is measured.
  private func measure(_ plan: BenchPlan, at endpoint: NetworkEndpoint) async throws -> BenchFigures {
    let group = MultiThreadedEventLoopGroup.singleton
    let peer = try Peer(service: "order-queue", endpoint: endpoint, eventLoopGroup: group)
    return try await withTaskExecutorPreference(EventLoopTasks(group: group)) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await peer.run() }
        defer { group.cancelAll() }
        do {
          return try await BenchRun(plan: plan, peer: peer).measure()
        } catch let error as RPCError {
          throw ServiceError(error, service: "order-queue")
        }
      }
    }
  }
}

/// What is measured.
struct BenchPlan: Sendable {
  var lane: String
  var executor: UInt32
  let incarnation = UInt64.random(in: 1...UInt64.max)
  var inFlight: Int
  var bodySize: Int
  var fill: Int
  var time: Duration
  var warmUp: Duration
}

/// What was measured.
struct BenchFigures: Sendable {
  let plan: BenchPlan
  var fillTime: Duration = .zero
  var time: Duration = .zero
  /// Of each cycle that ended while it was measured, in microseconds.
  var latencies: [UInt32] = []

  var perSecond: Double { time > .zero ? Double(latencies.count) / (time / .seconds(1)) : 0 }

  /// By nearest rank.
  func percentile(_ share: Double, of sorted: [UInt32]) -> Double {
    guard !sorted.isEmpty else { return 0 }
    let rank = Int((Double(sorted.count) * share).rounded(.up))
    return Double(sorted[min(sorted.count, max(1, rank)) - 1]) / 1_000
  }

  private func rounded(_ value: Double, _ unit: Double = 1_000) -> Double { (value * unit).rounded() / unit }

  var fields: [(label: String, value: String)] {
    let sorted = latencies.sorted()
    return [
      ("In flight", "\(plan.inFlight)"), ("Body", "\(plan.bodySize) bytes"),
      ("Filled", plan.fill == 0 ? "" : "\(plan.fill) orders in \(rounded(fillTime / .seconds(1))) s"),
      ("Cycles", "\(latencies.count) in \(rounded(time / .seconds(1))) s"),
      ("Cycles/s", "\(rounded(perSecond, 1))"),
      ("p50", "\(percentile(0.5, of: sorted)) ms"), ("p99", "\(percentile(0.99, of: sorted)) ms"),
      ("Longest", "\(percentile(1, of: sorted)) ms"),
    ]
  }

  var json: JSONValue {
    let sorted = latencies.sorted()
    return .object([
      "inFlight": .init(plan.inFlight), "body": .init(plan.bodySize), "filled": .init(plan.fill),
      "fillSeconds": .number(rounded(fillTime / .seconds(1))), "cycles": .init(latencies.count),
      "seconds": .number(rounded(time / .seconds(1))), "cyclesPerSecond": .number(rounded(perSecond, 10)),
      "p50Ms": .number(percentile(0.5, of: sorted)), "p99Ms": .number(percentile(0.99, of: sorted)),
      "maxMs": .number(percentile(1, of: sorted)),
    ])
  }
}
