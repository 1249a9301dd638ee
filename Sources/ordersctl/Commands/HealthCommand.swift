import ArgumentParser
import DaemonKit
import OrderProtos
import OrderWire

struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Ask every role whether it can do its work.",
    discussion: """
      serving    does its work; a note says when it was told to do less: paused, draining, frozen
      standby    an executor that was told to step down; it comes back by itself
      not-ready  answers, but cannot do its work; the note says why
      down       does not answer
      Exit status 5 when any of them is not-ready or down. With names, only those are asked: executor-2, order-queue.
      """)

  @Argument(help: "Roles to ask; all when none is named.")
  var roles: [String] = []
  @Option(help: "How many executors there should be, 0 to 9.")
  var executors = 3
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...9).contains(executors) else {
      throw ValidationError("--executors must be a whole number from 0 to 9")
    }
    let known = RoleProbe.ports.map(\.role) + (1...9).map { "executor-\($0)" }
    if let unknown = roles.first(where: { !known.contains($0) }) {
      throw ValidationError("there is no role '\(unknown)'; there are \(known.joined(separator: ", "))")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let probes = try probes()
      let rows = try await OrdersClient.with(server) { client in
        await withTaskGroup(of: (Int, RoleHealthRow).self) { group in
          for (index, probe) in probes.enumerated() {
            group.addTask { (index, await probe.ask(client)) }
          }
          var rows: [(Int, RoleHealthRow)] = []
          for await row in group { rows.append(row) }
          return rows.sorted { $0.0 < $1.0 }.map(\.1)
        }
      }
      let down = rows.filter { !$0.state.isWell }
      let json: JSONValue = .object(["healthy": .boolean(down.isEmpty), "roles": .list(rows.map(\.json))])
      try Printer(format: output.format).list(rows, json: json)
      if !down.isEmpty {
        let told = down.map { "\($0.role) is \($0.state.rawValue)" }
        throw Failure(Exit.unavailable, told.joined(separator: ", "))
      }
    }
  }

  private func probes() throws -> [RoleProbe] {
    let count = roles.isEmpty ? executors : 9
    let executors = (count == 0 ? [] : Array(1...count)).map {
      (role: "executor-\($0)", port: Int?.some(50_060 + $0))
    }
    let all = RoleProbe.ports + executors
    return try all.filter { roles.isEmpty || roles.contains($0.role) }
      .map { RoleProbe(role: $0.role, endpoint: try $0.port.map(server.endpoint(port:))) }
  }
}

/// How one role is asked.
private struct RoleProbe: Sendable {
  let role: String
  /// Of its gRPC health service; nil = REST.
  let endpoint: NetworkEndpoint?

  /// Default gRPC ports; nil = REST. The executors' are 50060 + id.
  static let ports: [(role: String, port: Int?)] = [
    ("orchestrator", nil), ("transaction-verification", 50_052), ("fraud-detection", 50_051),
    ("suggestions", 50_053),
    ("order-queue", 50_055),
  ]

  func ask(_ client: OrdersClient) async -> RoleHealthRow {
    guard let endpoint else { return await askREST(client) }
    func row(_ state: RoleHealthRow.State, _ note: String) -> RoleHealthRow {
      RoleHealthRow(
        role: role, endpoint: "\(endpoint)", protocolName: "gRPC ordersd.v1", state: state, note: note)
    }
    do {
      let isServing = try await RoleClient.isServing(role, endpoint)
      if role.hasPrefix("executor-") {
        let status = try await RoleClient.status(ofExecutorAt: endpoint)
        if isServing { return row(.serving, status.healthNote) }
        return row(status.isSteppedDown ? .standby : .notReady, status.ineligibleReason)
      }
      guard isServing else { return row(.notReady, "not serving; GET /ready on its admin port says why") }
      return row(.serving, role == "order-queue" ? try await RoleClient.stats(endpoint).healthNote : "")
    } catch {
      return row(.down, (error as? ServiceError)?.message ?? "\(error)")
    }
  }

  private func askREST(_ client: OrdersClient) async -> RoleHealthRow {
    func row(_ state: RoleHealthRow.State, _ note: String) -> RoleHealthRow {
      RoleHealthRow(
        role: role, endpoint: client.server, protocolName: "REST v1", state: state, note: note)
    }
    do {
      let status = try await client.get("/v1/status", timeout: RoleClient.deadline)
      let model = try status.decode(StatusModel.self)
      return row(model.ready ? .serving : .notReady, model.problems.joined(separator: "; "))
    } catch {
      return row(
        .down, (error as? Failure)?.message.split(separator: "\n").first.map(String.init) ?? "\(error)")
    }
  }
}

extension Ordersd_V1_ExecutorStatus {
  fileprivate var isSteppedDown: Bool { ineligibleReason == IneligibleReason.steppedDown }

  fileprivate var healthNote: String {
    frozenMs > 0
      ? "the election is frozen for \((frozenMs + 999) / 1_000) s more: 'ordersctl election thaw' ends it"
      : ""
  }
}

extension Ordersd_V1_StatsReply {
  fileprivate var healthNote: String {
    var notes: [String] = []
    if paused { notes.append("hands out no orders: 'ordersctl queue resume' ends the pause") }
    if draining { notes.append("takes no new orders: 'ordersctl queue drain --off' ends the drain") }
    return notes.joined(separator: "; ")
  }
}

private struct StatusModel: Decodable {
  let ready: Bool
  let problems: [String]
}

private struct RoleHealthRow: ListRow, Sendable {
  enum State: String, Sendable {
    case serving, standby
    case notReady = "not-ready"
    case down

    /// Nobody has to look after it.
    var isWell: Bool { self == .serving || self == .standby }
  }

  static let header = [
    Column("ROLE"), Column("STATE"), Column("ENDPOINT"), Column("INTERFACE"), Column("NOTE"),
  ]

  let role: String
  let endpoint: String
  let protocolName: String
  let state: State
  let note: String

  var row: [String] { [role, state.rawValue, endpoint, protocolName, note] }
  var name: String { role }
  var json: JSONValue {
    .object([
      "role": .text(role), "state": .text(state.rawValue), "serving": .boolean(state == .serving),
      "endpoint": .text(endpoint),
      "interface": .text(protocolName),
      "note": .text(note),
    ])
  }
}
