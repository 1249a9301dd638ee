import ArgumentParser
import DaemonKit
import OrderWire

struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Ask every role whether it can do its work.",
    discussion:
      "Exit status 5 when any of them is down. With names, only those are asked: executor-2, order-queue.")

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
      let down = rows.filter { !$0.isUp }
      let json: JSONValue = .object(["healthy": .boolean(down.isEmpty), "roles": .list(rows.map(\.json))])
      try Printer(format: output.format).list(rows, json: json)
      if !down.isEmpty {
        throw Failure(Exit.unavailable, "down: " + down.map(\.role).joined(separator: ", "))
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
    guard let endpoint else {
      do {
        let status = try await client.get("/v1/status", timeout: RoleClient.deadline)
        let model = try status.decode(StatusModel.self)
        return RoleHealthRow(
          role: role, endpoint: client.server, protocolName: "REST v1", isUp: model.ready,
          note: model.problems.joined(separator: "; "))
      } catch {
        let note = (error as? Failure)?.message.split(separator: "\n").first.map(String.init) ?? "\(error)"
        return RoleHealthRow(
          role: role, endpoint: client.server, protocolName: "REST v1", isUp: false, note: note)
      }
    }
    do {
      let isServing = try await RoleClient.isServing(role, endpoint)
      return RoleHealthRow(
        role: role, endpoint: "\(endpoint)", protocolName: "gRPC ordersd.v1", isUp: isServing,
        note: isServing ? "" : "not serving; GET /ready on its admin port says why")
    } catch {
      let note = (error as? ServiceError)?.message ?? "\(error)"
      return RoleHealthRow(
        role: role, endpoint: "\(endpoint)", protocolName: "gRPC ordersd.v1", isUp: false, note: note)
    }
  }
}

private struct StatusModel: Decodable {
  let ready: Bool
  let problems: [String]
}

private struct RoleHealthRow: ListRow, Sendable {
  static let header = [
    Column("ROLE"), Column("STATE"), Column("ENDPOINT"), Column("INTERFACE"), Column("NOTE"),
  ]

  let role: String
  let endpoint: String
  let protocolName: String
  let isUp: Bool
  let note: String

  var row: [String] { [role, isUp ? "serving" : "down", endpoint, protocolName, note] }
  var name: String { role }
  var json: JSONValue {
    .object([
      "role": .text(role), "serving": .boolean(isUp), "endpoint": .text(endpoint),
      "interface": .text(protocolName),
      "note": .text(note),
    ])
  }
}
