import ArgumentParser
import DaemonKit
import OrderProtos
import OrderWire

/// Which executors are told.
struct ExecutorsOptions: ParsableArguments {
  @Option(name: .customLong("executor"), help: "An executor's control endpoint, host:port; may be repeated.")
  var endpoints: [EndpointArgument] = []
  @OptionGroup var server: ServerOptions

  /// Tells those that were named, or all that a search finds. First all are asked for their status, then those told
  /// for which `isMeant`: telling one may change the others. Throws when nobody was.
  func each(
    orFail nobody: String = "no executor answers",
    where isMeant: (Ordersd_V1_ExecutorStatus) -> Bool = { _ in true },
    _ tell: @Sendable @escaping (NetworkEndpoint) async throws -> String
  ) async throws -> [ToldExecutor] {
    let answers: [ExecutorAnswer]
    if endpoints.isEmpty {
      answers = await ExecutorSearch.run(
        from: try server.endpoint(port: 50_060), queue: try server.endpoint(port: 50_055))
    } else {
      answers = await ExecutorSearch.ask(endpoints.map(\.endpoint))
    }
    var told: [ToldExecutor] = []
    var meant: [(endpoint: NetworkEndpoint, name: String)] = []
    for answer in answers {
      switch answer.status {
      case .success(let status):
        if isMeant(status) { meant.append((answer.endpoint, "executor-\(status.executorID)")) }
      case .failure(let error):
        told.append(ToldExecutor(endpoint: answer.endpoint, name: nil, failed: error))
      }
    }
    told += await ExecutorSearch.concurrently(meant) { endpoint, name in
      do {
        return ToldExecutor(endpoint: endpoint, name: name, result: try await tell(endpoint), isTold: true)
      } catch {
        return ToldExecutor(endpoint: endpoint, name: name, failed: error)
      }
    }
    if told.isEmpty { throw Failure(Exit.unavailable, nobody) }
    return told
  }
}

struct ElectionFreezeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "freeze",
    abstract: "For a bounded time, start no election and make no leader go: maintenance of the network.",
    discussion: """
      The leader goes on; whoever doesn't hear it waits. A leader that stops meanwhile has no successor until the time
      is up or 'thaw'. It holds for executors that run now: one that is started later is not frozen.
      Exit status 5 when not every executor could be told.
      """)

  @Option(name: .customLong("for"), help: "How long, 1s to 1h.")
  var time = DurationArgument(.seconds(300))
  @Option(help: "For the journal.")
  var reason = ""
  @OptionGroup var executors: ExecutorsOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (Duration.seconds(1)...(.seconds(3_600))).contains(time.duration) else {
      throw ValidationError("--for must be from 1s to 1h")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let (time, reason) = (time.duration, reason)
      let told = try await executors.each { endpoint in
        let reply = try await RoleClient.freeze(executorAt: endpoint, for: time, reason: reason)
        let leader = reply.leaderID == 0 ? "without a leader" : "leader executor-\(reply.leaderID)"
        return "frozen for \(DurationText.format(time)), \(leader)"
      }
      try ToldExecutor.print(told, output)
    }
  }
}

struct ElectionThawCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "thaw", abstract: "Ends a freeze before its time.")

  @OptionGroup var executors: ExecutorsOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let told = try await executors.each { endpoint in
        try await RoleClient.thaw(executorAt: endpoint) ? "thawed" : "was not frozen"
      }
      try ToldExecutor.print(told, output)
    }
  }
}

struct ElectionStepDownCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step-down",
    abstract: "Has the leader hand over to the next in rank and stay out of elections for a while.",
    discussion: "Without --executor the one that leads is asked. Exit status 5 when nobody was leading.")

  private static let steppedDown = "stepped down"

  @Option(name: .customLong("for"), help: "How long it does not lead again, 1s to 1h.")
  var time = DurationArgument(.seconds(10))
  @Option(help: "For the journal.")
  var reason = ""
  @OptionGroup var executors: ExecutorsOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (Duration.seconds(1)...(.seconds(3_600))).contains(time.duration) else {
      throw ValidationError("--for must be from 1s to 1h")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let (time, reason, isNamed) = (time.duration, reason, !executors.endpoints.isEmpty)
      let told = try await executors.each(
        orFail: "no executor says that it leads", where: { isNamed || $0.role == "leader" }
      ) { endpoint in
        let wasLeading = try await RoleClient.stepDown(executorAt: endpoint, for: time, reason: reason)
        return wasLeading ? Self.steppedDown : "was not leading"
      }
      try ToldExecutor.print(told, output)
      guard told.contains(where: { $0.result == Self.steppedDown }) else {
        throw Failure(Exit.unavailable, "nobody stepped down")
      }
    }
  }
}

/// What an executor made of an order by the operator.
struct ToldExecutor: ListRow, Sendable {
  static let header = [Column("EXECUTOR"), Column("RESULT"), Column("ENDPOINT", wide: true)]

  let endpoint: NetworkEndpoint
  let executor: String?
  let result: String
  let isTold: Bool

  init(endpoint: NetworkEndpoint, name: String?, result: String, isTold: Bool) {
    self.endpoint = endpoint
    executor = name
    self.result = result
    self.isTold = isTold
  }

  init(endpoint: NetworkEndpoint, name: String?, failed error: any Error) {
    self.init(
      endpoint: endpoint, name: name, result: (error as? ServiceError)?.message ?? "\(error)", isTold: false)
  }

  var name: String { executor ?? "\(endpoint)" }
  var row: [String] { [name, result, "\(endpoint)"] }
  var json: JSONValue {
    .object([
      "executor": executor.map { .text($0) } ?? .null, "endpoint": .text("\(endpoint)"),
      "result": .text(result),
      "told": .boolean(isTold),
    ])
  }

  static func print(_ told: [ToldExecutor], _ output: OutputOptions) throws {
    try Printer(format: output.format).list(told, json: .list(told.map(\.json)))
    if told.contains(where: { !$0.isTold }) {
      throw Failure(Exit.unavailable, "not every executor could be told")
    }
  }
}
