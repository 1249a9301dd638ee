import ArgumentParser
import DaemonKit
import OrderProtos
import OrderWire

/// Which executors are told.
struct ExecutorsOptions: ParsableArguments {
  @Option(name: .customLong("executor"), help: "An executor's control endpoint, host:port; may be repeated.")
  var endpoints: [EndpointArgument] = []
  @OptionGroup var server: ServerOptions

  /// Tells those that were named, or all that answer at the default ports. First all are asked for their
  /// status, then those told for which `isMeant`: telling one may change the others. Throws when nobody was.
  func each(
    orFail nobody: String = "no executor answers",
    where isMeant: (Ordersd_V1_ExecutorStatus) -> Bool = { _ in true },
    _ tell: @Sendable @escaping (NetworkEndpoint) async throws -> String
  ) async throws -> [ToldExecutor] {
    let isSearch = endpoints.isEmpty
    let all =
      try isSearch ? (1...9).map { try server.endpoint(port: 50_060 + $0) } : endpoints.map(\.endpoint)
    let asked = await Self.concurrently(all) { endpoint -> Result<Ordersd_V1_ExecutorStatus, any Error> in
      do { return .success(try await RoleClient.status(ofExecutorAt: endpoint)) } catch {
        return .failure(error)
      }
    }
    var told: [ToldExecutor] = []
    var meant: [(endpoint: NetworkEndpoint, name: String)] = []
    for (endpoint, answer) in zip(all, asked) {
      switch answer {
      case .success(let status):
        if isMeant(status) { meant.append((endpoint, "executor-\(status.executorID)")) }
      // On a search a port that nobody answers at means that there is no such executor.
      case .failure(let error):
        if !isSearch { told.append(ToldExecutor(endpoint: endpoint, name: nil, failed: error)) }
      }
    }
    told += await Self.concurrently(meant) { endpoint, name in
      do {
        return ToldExecutor(endpoint: endpoint, name: name, result: try await tell(endpoint), isTold: true)
      } catch {
        return ToldExecutor(endpoint: endpoint, name: name, failed: error)
      }
    }
    if told.isEmpty { throw Failure(Exit.unavailable, nobody) }
    return told
  }

  /// The answers in the order of the questions.
  private static func concurrently<Question: Sendable, Answer: Sendable>(
    _ questions: [Question], _ ask: @Sendable @escaping (Question) async -> Answer
  ) async -> [Answer] {
    await withTaskGroup(of: (Int, Answer).self) { group in
      for (index, question) in questions.enumerated() {
        group.addTask { (index, await ask(question)) }
      }
      var answers: [(Int, Answer)] = []
      for await answer in group { answers.append(answer) }
      return answers.sorted { $0.0 < $1.0 }.map(\.1)
    }
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
        return wasLeading ? "stepped down" : "was not leading"
      }
      try ToldExecutor.print(told, output)
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
