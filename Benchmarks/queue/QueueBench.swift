import Foundation

/// Durable cycles of enqueue, lease and ack per second: ordersd's queue beside beanstalkd, Redis and PostgreSQL,
/// turn by turn on one disk.
@main
struct QueueBench {
  private struct Plan {
    var programs = ""
    var folder = ""
    var title = ""
    var rounds = 3
    var time = 5.0
    var warmUp = 1.0
    var body = 512
    var inFlight = [1, 16, 64]
    var depths: [Int] = []
    var names = ["ordersd", "beanstalkd", "redis", "postgresql"]
  }

  private static let usage = """
    usage: run [ROUNDS=3] [--seconds 5] [--in-flight 1,16,64] [--depths 1000,100000,1000000]
             [--only ordersd,beanstalkd,redis,postgresql] [--folder /var/tmp]
    """

  static func main() {
    signal(SIGPIPE, SIG_IGN)
    do {
      let plan = try plan(Array(CommandLine.arguments.dropFirst()))
      print(plan.title)
      print(try disk(plan.folder))
      if plan.depths.isEmpty { try compare(plan) } else { try deepen(plan) }
    } catch {
      say("\(error)")
      exit(1)
    }
  }

  private static func plan(_ arguments: [String]) throws -> Plan {
    var plan = Plan()
    var rest = arguments[...]
    func numbers(_ text: String?) -> [Int] { (text ?? "").split(separator: ",").compactMap { Int($0) } }
    while let word = rest.popFirst() {
      switch word {
      case "--programs": plan.programs = rest.popFirst() ?? ""
      case "--folder": plan.folder = rest.popFirst() ?? ""
      case "--title": plan.title = rest.popFirst() ?? ""
      case "--seconds": plan.time = Double(rest.popFirst() ?? "") ?? plan.time
      case "--in-flight": plan.inFlight = numbers(rest.popFirst())
      case "--depths": plan.depths = numbers(rest.popFirst())
      case "--only": plan.names = (rest.popFirst() ?? "").split(separator: ",").map(String.init)
      default:
        guard let rounds = Int(word), rounds > 0 else { throw BenchError(usage) }
        plan.rounds = rounds
      }
    }
    guard plan.time > 0, !plan.inFlight.isEmpty else { throw BenchError(usage) }
    return plan
  }

  private static func contenders(_ plan: Plan) throws -> [any Contender] {
    var all: [any Contender] = []
    for name in plan.names {
      switch name {
      case "ordersd": all.append(OrderQueue(programs: plan.programs, folder: plan.folder, port: 62_055))
      case "beanstalkd":
        all.append(Beanstalkd(interval: 0, folder: plan.folder, port: 62_060))
        all.append(Beanstalkd(interval: 50, folder: plan.folder, port: 62_061))
      case "redis": all.append(Redis(folder: plan.folder, port: 62_062))
      case "postgresql": all.append(try Postgres(folder: plan.folder, port: 62_063))
      default: throw BenchError("\(name) is not known; \(usage)")
      }
    }
    return all
  }

  /// What a flush costs here: 4 KiB appended, then fdatasync.
  private static func disk(_ folder: String) throws -> String {
    let path = "\(folder)/flush"
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    guard file >= 0 else { throw BenchError("\(path) cannot be written") }
    defer {
      close(file)
      unlink(path)
    }
    let page = [UInt8](repeating: 7, count: 4_096)
    var times: [Double] = []
    for _ in 0..<1_000 {
      let began = seconds()
      guard write(file, page, page.count) == page.count, fdatasync(file) == 0 else {
        throw BenchError("\(path) cannot be written")
      }
      times.append((seconds() - began) * 1e6)
    }
    times.sort()
    let kind = try output(["stat", "-f", "-c", "%T", folder]).trimmingCharacters(in: .whitespacesAndNewlines)
    if kind == "tmpfs" { throw BenchError("\(folder) is in memory; name another --folder") }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return
      "\(cores) cores; \(folder.split(separator: "/").first.map { "/\($0)" } ?? "/") is \(kind); 4 KiB appended + "
      + "fdatasync: p50 \(Int(percentile(0.5, of: times))) µs, p99 \(Int(percentile(0.99, of: times))) µs"
  }

  // MARK: - By cycles in flight

  private static func compare(_ plan: Plan) throws {
    let all = try contenders(plan)
    defer { for contender in all { contender.stop() } }
    for contender in all {
      try contender.start()
      _ = try contender.fill(1_000, body: plan.body)
    }
    var table = Table()
    for round in 1...plan.rounds {
      for inFlight in plan.inFlight {
        for contender in all {
          let load = Load(inFlight: inFlight, time: plan.time, warmUp: plan.warmUp, body: plan.body)
          table.add(try contender.run(load), contender.name, inFlight)
        }
      }
      say("round \(round) of \(plan.rounds)")
    }
    print(
      "\(plan.body)-byte orders, 1,000 queued; medians of \(plan.rounds) rounds of \(plan.time) s, turn by turn"
    )
    print(table.text(all, "in flight", plan.inFlight))
    for contender in all { print("\(contender.name): \(contender.durability)") }
  }

  // MARK: - By depth

  private static func deepen(_ plan: Plan) throws {
    var table = Table()
    var notes: [String] = []
    let all = try contenders(plan)
    defer { for contender in all { contender.stop() } }
    for contender in all { try contender.start() }
    var filled = 0
    for depth in plan.depths.sorted() {
      for contender in all {
        let before = contender.memory()
        let time = try contender.fill(depth - filled, body: plan.body)
        let grown = contender.memory() - before
        var note = "\(contender.name): \(depth - filled) orders put in in \(tenths(time)) s"
        if before > 0, grown > 0, depth - filled >= 50_000 {
          note += ", \(grown / (depth - filled)) bytes of memory each"
        }
        notes.append(note)
      }
      filled = depth
      for round in 1...plan.rounds {
        for contender in all {
          let load = Load(
            inFlight: plan.inFlight.last ?? 16, time: plan.time, warmUp: plan.warmUp, body: plan.body)
          table.add(try contender.run(load), contender.name, depth)
        }
        say("\(depth) queued, round \(round) of \(plan.rounds)")
      }
    }
    for contender in all {
      let time = try contender.restart()
      notes.append(
        "\(contender.name): restart with \(filled) queued \(tenths(time)) s, then \(contender.memory() >> 20) MiB"
      )
    }
    print(
      "\(plan.body)-byte orders, \(plan.inFlight.last ?? 16) in flight; medians of \(plan.rounds) rounds of "
        + "\(plan.time) s, turn by turn")
    print(table.text(all, "queued", plan.depths.sorted()))
    for note in notes { print(note) }
  }

  private static func tenths(_ value: Double) -> String { String(format: "%.1f", value) }
}
