import Foundation

/// One run of the fulfilment command, as the script of the lab notes it.
struct FulfilmentRun: Sendable {
  var at: WallSeconds
  var order: String
  var epoch: UInt64
  var executor: String
}

/// The queue's grant of an epoch, as its log has it.
struct Grant: Sendable {
  var epoch: UInt64
  var executor: String
  var at: WallSeconds
}

/// An order as the orchestrator shows it in the end.
struct OrderRecord: Sendable {
  var order: String
  var state: String
  var executor: String
  var epoch: UInt64
  /// How many entries of the timeline say that it was executed.
  var timesExecuted: Int
}

/// When what was done to the lab.
struct FaultTimes: Sendable {
  var fault: WallSeconds
  var heal: WallSeconds
  var end: WallSeconds
}

/// What the programs left behind: the fulfilment's own log, the queue's grants, the executors' logs, the
/// orchestrator's orders.
struct Evidence: Sendable {
  /// Orders that customers were told are approved.
  var approved: [String] = []
  var rejected: [String] = []
  /// The order of each effect.
  var effects: [String] = []
  var runs: [FulfilmentRun] = []
  var grants: [Grant] = []
  /// Epochs that an executor says it gained.
  var claims: [(executor: String, epoch: UInt64)] = []
  var orders: [OrderRecord] = []
  var refusals = 0
  var rivalsHeard = 0
  /// Entries that tell of a split brain after a heal.
  var stories = 0
}

extension Evidence {
  /// Reads it all from a lab whose orders have all been carried out.
  init(of lab: Lab, _ submitted: Submitter.Result) throws {
    approved = submitted.approved
    rejected = submitted.rejected
    let log = try String(contentsOfFile: lab.folder + "/effects/log", encoding: .utf8)
    effects = log.split(separator: "\n").map { String($0.prefix(36)) }
    runs = try Self.runs(of: lab)
    grants = try Self.grants(of: lab)
    for id in Lab.executors { try read(lab.log("executor-\(id)"), of: "executor-\(id)") }
    let views = try lab.get(approved.map { "/v1/orders/\($0)" })
    let timelines = try lab.get(approved.map { "/v1/orders/\($0)/events" })
    orders = zip(approved, zip(views, timelines)).map { order, answers in
      let execution = answers.0["execution"] as? [String: Any] ?? [:]
      let entries = answers.1["entries"] as? [[String: Any]] ?? []
      return OrderRecord(
        order: order, state: answers.0["state"] as? String ?? "?",
        executor: execution["executor"] as? String ?? "",
        epoch: (execution["epoch"] as? NSNumber)?.uint64Value ?? 0,
        timesExecuted: entries.count { $0["state"] as? String == "executed" })
    }
  }

  private mutating func read(_ log: String, of executor: String) throws {
    for line in try Self.lines(of: log) {
      switch line.message {
      case "Leadership gained.": if let epoch = line.number("epoch") { claims.append((executor, epoch)) }
      case "Refused: the epoch moved on.": refusals += 1
      case "Another leader is heard.": rivalsHeard += 1
      case "More than one executor led; it is over.": stories += 1
      default: break
      }
    }
  }

  static func lines(of path: String) throws -> [LogLine] {
    var tail = LineTail(path)
    return try tail.next().compactMap { LogLine($0) }
  }

  static func grants(of lab: Lab) throws -> [Grant] {
    try lines(of: lab.log("order-queue")).compactMap { line in
      guard line.message == "The lane has a new leader.", let epoch = line.number("epoch") else { return nil }
      return Grant(epoch: epoch, executor: "executor-\(line.fields["executor"] ?? "?")", at: line.at)
    }
  }

  static func runs(of lab: Lab) throws -> [FulfilmentRun] {
    var tail = LineTail(lab.folder + "/runs")
    return try tail.next().compactMap { data in
      let words = String(decoding: data, as: UTF8.self).split(separator: " ").map(String.init)
      guard words.count == 6, words[0] == "begin", let at = Double(words[1]), let epoch = UInt64(words[3])
      else {
        return nil
      }
      return FulfilmentRun(at: at, order: words[2], epoch: epoch, executor: words[5])
    }
  }
}
