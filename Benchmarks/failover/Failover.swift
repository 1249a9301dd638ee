import Foundation

/// Time from a fault to the next leader that acts, for ordersd and, on the same hosts at the same time,
/// keepalived.
@main
struct Failover {
  private struct Plan: Sendable {
    var runs = 50
    var faults = Fault.allCases
    var settings: [String: String] = [:]
    var hasKeepalived = true
    var programs = ""
    var checkout = ""
    var title = ""
  }

  /// Orders per second.
  private static let rate = 100.0

  static func main() {
    Interruption.watch()
    do {
      let plan = try plan(Array(CommandLine.arguments.dropFirst()))
      let rows = try run(plan)
      print(report(plan, rows: rows))
      let missed = rows.filter(\.isMissed).map(\.fault)
      guard missed.isEmpty else { throw LabError("aims missed: \(missed.joined(separator: ", "))") }
    } catch {
      say("\(error)")
      exit(1)
    }
  }

  private static func plan(_ arguments: [String]) throws -> Plan {
    var plan = Plan()
    var rest = arguments[...]
    while let word = rest.popFirst() {
      switch word {
      case "--programs": plan.programs = rest.popFirst() ?? ""
      case "--checkout": plan.checkout = rest.popFirst() ?? ""
      case "--title": plan.title = rest.popFirst() ?? ""
      case "--no-keepalived": plan.hasKeepalived = false
      case "--faults":
        plan.faults = (rest.popFirst() ?? "").split(separator: ",").compactMap { Fault(rawValue: String($0)) }
      case "--set":
        let parts = (rest.popFirst() ?? "").split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw LabError("--set wants key=value") }
        plan.settings[parts[0]] = parts[1]
      default:
        guard let runs = Int(word), runs > 0 else {
          throw LabError(
            "usage: run [RUNS] [--faults kill,stop,terminate,partition] [--set key=value] [--no-keepalived]")
        }
        plan.runs = runs
      }
    }
    return plan
  }

  private static func run(_ plan: Plan) throws -> [Row] {
    var options = Lab.Options(programs: plan.programs, checkout: plan.checkout, settings: plan.settings)
    options.isQueueOnly = true
    options.keepLogsIn = ProcessInfo.processInfo.environment["ORDERSD_LAB_LOGS"]
    return try Lab.with(options) { lab in
      if plan.hasKeepalived { try Keepalived.watch(lab) }
      let stream = try OrderStream(lab, rate: rate)
      let outcome = Result { try measureAll(plan, lab) }
      let orders = Result { try stream.stop() }
      let rows = try outcome.get()
      say("\(try orders.get()) orders were put into the queue")
      return rows
    }
  }

  /// Each keepalived cell has routers of its own, so they run beside those of ordersd. The partition hits
  /// all at once.
  private static func measureAll(_ plan: Plan, _ lab: Lab) throws -> [Row] {
    let all: [Keepalived.Settings] = plan.hasKeepalived ? [.defaults, .fast] : []
    var router = 10
    var beside: [Worker<[Row]>] = []
    for fault in plan.faults where fault != .partition {
      for settings in all {
        router += 1
        beside.append(
          Worker { [router] in
            try measure([Keepalived(lab, settings, router: router)], fault, runs: plan.runs, on: lab.network)
          })
      }
    }
    var rows: [Row] = []
    var returns = Row(contender: "ordersd", fault: "highest id returns (pause)", samples: [], repeated: 0)
    let outcome = Result {
      for fault in plan.faults {
        var contenders: [any Contender] = []
        let executors = try Executors(lab)
        contenders.append(executors)
        if fault == .partition {
          // Nothing else may be under way on the host that is cut off.
          for worker in beside { rows += try worker.value() }
          beside = []
          for settings in all {
            router += 1
            contenders.append(try Keepalived(lab, settings, router: router))
          }
        }
        var measured = try measure(contenders, fault, runs: plan.runs, on: lab.network)
        try executors.settle()
        measured[0].repeated = executors.repeated
        measured[0].aim = aim(fault)
        rows += measured
        if fault == .kill || fault == .terminate {
          returns.samples += executors.returns
          returns.repeated = (returns.repeated ?? 0) + executors.repeatedInReturns
        }
      }
    }
    for worker in beside { rows += try worker.value() }
    try outcome.get()
    return rows + [returns]
  }

  private static func aim(_ fault: Fault) -> Duration {
    switch fault {
    case .kill: .milliseconds(500)
    case .stop, .partition: .milliseconds(1_500)
    case .terminate: .milliseconds(50)
    }
  }

  private static func report(_ plan: Plan, rows: [Row]) -> String {
    let head = ["fault", "contender", "n", "p50", "p99", "max", "aim (p99)", "executed again"]
    let order = Fault.allCases.map(\.title) + ["highest id returns (pause)"]
    let sorted = rows.filter { !$0.samples.isEmpty }.sorted {
      ((order.firstIndex(of: $0.fault) ?? 0), $1.contender) < (
        (order.firstIndex(of: $1.fault) ?? 0), $0.contender
      )
    }
    let lines = sorted.map { row in
      [
        row.fault, row.contender, "\(row.samples.count)", milliseconds(row.percentile(0.5)),
        milliseconds(row.percentile(0.99)), milliseconds(row.samples.max()),
        row.aim.map { "< \(milliseconds($0)) \(row.isMissed ? "MISSED" : "met")" } ?? "-",
        row.repeated.map(String.init) ?? "-",
      ]
    }
    let settings = plan.settings.map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return """
      \(plan.title)
      \(cores) cores; \(Int(rate)) orders/s of 24 bytes over 1 session stream, 16 credits; embedded queue, \
      synchronous=FULL, group commit; settings: \(settings.isEmpty ? "defaults" : settings)
      \(columns([head] + lines))
      """
  }
}
