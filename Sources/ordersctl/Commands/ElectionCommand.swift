import ArgumentParser
import DaemonKit
import OrderProtos
import OrderWire

struct ElectionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "election", abstract: "The executors' leadership.",
    subcommands: [
      ElectionStatusCommand.self, ElectionStepDownCommand.self, ElectionFreezeCommand.self,
      ElectionThawCommand.self,
    ])
}

struct ElectionStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Who leads, by every executor's own account and by the queue's.",
    discussion: """
      A leader is effective when the queue, the judge of who may act, names the same executor and the same epoch.
      Without --executor, those with the ids 1 to 9 are asked at their default ports, and others that the queue
      or one of these names.
      Exit status 0 when there is an effective leader, 5 otherwise.
      """)

  @Option(name: .customLong("executor"), help: "An executor's control endpoint, host:port; may be repeated.")
  var endpoints: [EndpointArgument] = []
  @Option(help: "The queue's endpoint, host:port.")
  var queue: EndpointArgument?
  @Option(help: "The lane.")
  var lane = "main"
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let judge = try queue?.endpoint ?? server.endpoint(port: 50_055)
      async let verdict = Self.holder(judge, lane: lane)
      let answers: [ExecutorAnswer]
      if endpoints.isEmpty {
        answers = await ExecutorSearch.run(from: try server.endpoint(port: 50_060), queue: judge)
      } else {
        answers = await ExecutorSearch.ask(endpoints.map(\.endpoint))
      }
      let rows = answers.map { ExecutorRow($0) }
      let election = Election(lane: lane, rows: rows, holder: await verdict)
      try Printer(format: output.format).list(rows, json: election.json, before: election.lines)
      if !election.isEffective { throw Failure(Exit.unavailable, election.problem) }
    }
  }

  private static func holder(_ endpoint: NetworkEndpoint, lane: String) async -> Result<
    Ordersd_V1_LaneStats?, Failure
  > {
    do {
      return .success(try await RoleClient.stats(endpoint).lanes.first { $0.lane == lane })
    } catch let error as ServiceError {
      return .failure(Failure(error))
    } catch {
      return .failure(Failure(Exit.unavailable, "order-queue: \(error)"))
    }
  }
}

/// What the executors and the queue say, put together.
private struct Election {
  let lane: String
  let rows: [ExecutorRow]
  let holder: Result<Ordersd_V1_LaneStats?, Failure>

  private var held: Ordersd_V1_LaneStats? {
    guard let stats = try? holder.get(), !stats.holder.isEmpty else { return nil }
    return stats
  }

  /// The executor that the queue's holder is, when it says so itself.
  private var leader: Ordersd_V1_ExecutorStatus? {
    guard let held else { return nil }
    return rows.lazy.compactMap(\.status).first {
      "executor-\($0.executorID)" == held.holder && $0.epoch == held.epoch
    }
  }

  var isEffective: Bool { leader != nil }

  var lines: [String] {
    guard let leader, let held else {
      return ["leader  none that is effective", "lane    \(lane)"]
    }
    return [
      "leader  executor-\(leader.executorID)", "term    \(leader.term)", "epoch   \(held.epoch)",
      "lane    \(lane)", "",
    ]
  }

  var problem: String {
    if case .failure(let failure) = holder { return "no effective leader: \(failure.message)" }
    if rows.allSatisfy({ $0.status == nil }) { return "no effective leader: no executor answers" }
    if let held {
      return "no effective leader: the queue names \(held.holder) (epoch \(held.epoch)), which does not agree"
    }
    return "no effective leader: nobody holds lane '\(lane)' at the queue"
  }

  var json: JSONValue {
    var members: [String: JSONValue] = [
      "lane": .text(lane), "effective": .boolean(isEffective), "executors": .list(rows.map(\.json)),
    ]
    members["leader"] = leader.map { .text("executor-\($0.executorID)") } ?? .null
    members["term"] = leader.map { .init($0.term) } ?? .null
    members["epoch"] = held.map { .init($0.epoch) } ?? .null
    members["holder"] = held.map { .text($0.holder) } ?? .null
    return .object(members)
  }
}

private struct ExecutorRow: ListRow, Sendable {
  static let header = [
    Column("EXECUTOR"), Column("ROLE"), Column("TERM", right: true), Column("EPOCH", right: true),
    Column("LEADER"),
    Column("ELIGIBLE"), Column("IN FLIGHT", right: true), Column("EXECUTED", right: true),
    Column("FAILED", right: true),
    Column("PEERS", wide: true), Column("LAST ORDER", wide: true), Column("INCARNATION", wide: true),
    Column("ENDPOINT", wide: true),
  ]

  let endpoint: NetworkEndpoint
  let status: Ordersd_V1_ExecutorStatus?
  let problem: String

  init(_ answer: ExecutorAnswer) {
    endpoint = answer.endpoint
    switch answer.status {
    case .success(let status):
      self.status = status
      problem = ""
    case .failure(let error):
      status = nil
      problem = (error as? ServiceError)?.message ?? "\(error)"
    }
  }

  var row: [String] {
    guard let status else {
      return ["\(endpoint)", "down", "", "", "", problem, "", "", "", "", "", "", "\(endpoint)"]
    }
    return [
      name, status.role, "\(status.term)", status.epoch == 0 ? "-" : "\(status.epoch)",
      status.leaderID == 0 ? "-" : "executor-\(status.leaderID)",
      (status.eligible ? "yes" : "no: \(status.ineligibleReason)") + (status.frozenMs > 0 ? ", frozen" : ""),
      "\(status.inFlight)", "\(status.executed)",
      "\(status.failed)", status.peers.map { "\($0.executorID)" }.joined(separator: ","), status.lastOrderID,
      "\(status.incarnation)", "\(endpoint)",
    ]
  }

  var name: String { status.map { "executor-\($0.executorID)" } ?? "\(endpoint)" }

  var json: JSONValue {
    guard let status else {
      return .object(["endpoint": .text("\(endpoint)"), "answers": false, "problem": .text(problem)])
    }
    return .object([
      "executor": .text(name), "endpoint": .text("\(endpoint)"), "answers": true, "role": .text(status.role),
      "incarnation": .text("\(status.incarnation)"), "cluster": .text(status.cluster),
      "lane": .text(status.lane),
      "term": .init(status.term), "epoch": .init(status.epoch),
      "leader": status.leaderID == 0 ? .null : .text("executor-\(status.leaderID)"),
      "leaderEpoch": .init(status.leaderEpoch), "eligible": .boolean(status.eligible),
      "ineligibleReason": .text(status.ineligibleReason), "frozenMs": .init(status.frozenMs),
      "inFlight": .init(status.inFlight),
      "executed": .init(status.executed), "failed": .init(status.failed),
      "lastOrderId": .text(status.lastOrderID),
      "peers": .list(
        status.peers.map { peer in
          .object([
            "executor": .text("executor-\(peer.executorID)"), "lastHeardMs": .init(peer.lastHeardMs),
            "eligible": .boolean(peer.eligible),
          ])
        }),
    ])
  }
}

/// `host:port` on the command line.
struct EndpointArgument: ExpressibleByArgument {
  let endpoint: NetworkEndpoint

  init?(argument: String) {
    guard let endpoint = NetworkEndpoint(argument), endpoint.port > 0 else { return nil }
    self.endpoint = endpoint
  }
}
