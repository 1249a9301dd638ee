import DaemonKit
import GRPCCore
import GRPCSupport
import OrderProtos
import OrderStore
import OrderWire
import PeerCalls
import SwiftProtobuf

/// What the orchestrator says about itself and the services around it.
struct OrchestratorReport: Sendable {
  let repository: OrderRepository
  let pool: CheckoutPool
  let outbox: Outbox
  let follower: OutcomeFollower
  let holding: Holding
  let checks: CheckSessions
  let queue: QueueSession

  /// Ready = it can take an order durably. A check or the queue that is down is shown, but does not make it unready:
  /// it still answers every order.
  func report() async -> RoleReport {
    var problems: [String] = []
    if let failure = repository.store.trouble { problems.append(failure.message) }
    if let problem = follower.problem { problems.append(problem) }
    let inFlight = pool.count
    var summary = "\(inFlight) orders being checked"
    if holding.count > 0 { summary += ", \(holding.count) held" }
    let sessions = checks.all.map { ($0.service, $0.status) } + [(queue.service, queue.status)]
    let open = sessions.filter { $0.1.circuit != .closed }.map(\.0)
    if !open.isEmpty { summary += ", circuit open: \(open.joined(separator: ", "))" }
    if let problem = outbox.problem { summary += ", outbox waits: \(problem.prefix(120))" }
    return RoleReport(
      summary: summary, problems: problems,
      details: [
        "inFlight": StatusValue(inFlight), "held": StatusValue(holding.count),
        "sessions": .object(
          Dictionary(sessions.map { ($0.0, $0.1.value) }, uniquingKeysWith: { first, _ in first })),
        "outcomesConnected": .boolean(follower.isConnected),
        "outboxProblem": .text(outbox.problem ?? ""),
      ])
  }

  /// `GET /v1/status`.
  func view() async -> StatusView {
    async let leaders = leaders()
    let peerViews = await withTaskGroup(of: (Int, StatusView.PeerView).self) { group in
      let peers = checks.all.map { ($0.peer, $0.status) } + [(queue.peer, queue.status)]
      for (number, peer) in peers.enumerated() {
        group.addTask { (number, await health(of: peer.0, peer.1)) }
      }
      var views: [(Int, StatusView.PeerView)] = []
      for await view in group { views.append(view) }
      return views.sorted { $0.0 < $1.0 }.map(\.1)
    }
    let report = await report()
    let counts: [String: Int]
    var problems = report.problems
    do { counts = try await repository.counts() } catch {
      counts = [:]
      problems.append("\(error)")
    }
    return StatusView(
      service: "orchestrator", ready: problems.isEmpty, problems: problems, inFlight: pool.count,
      orders: counts,
      peers: peerViews, leaders: await leaders)
  }

  private func health(of peer: Peer, _ session: SessionStatus) async -> StatusView.PeerView {
    let health: String
    do {
      let reply = try await peer.call(deadline: .milliseconds(500)) { client, options in
        try await Grpc_Health_V1_Health.Client(wrapping: client).check(.init(), options: options)
      }
      health = reply.status == .serving ? "serving" : "not serving"
    } catch {
      health = "unreachable: \((error as? ServiceError)?.code.rawValue ?? "\(error)")"
    }
    return .init(
      service: peer.service, endpoint: peer.endpoint.description, health: health,
      isServing: health == "serving", isConnected: session.isConnected, circuit: session.circuit.rawValue)
  }

  private func leaders() async -> [StatusView.LeaderView] {
    do {
      let stats = try await queue.peer.call(deadline: .milliseconds(500)) { client, options in
        try await Ordersd_V1_OrderQueue.Client(wrapping: client).stats(.init(), options: options)
      }
      return stats.lanes.map { lane in
        .init(
          lane: lane.lane, holder: lane.holder.isEmpty ? nil : lane.holder, epoch: lane.epoch, term: lane.term
        )
      }
    } catch {
      // The queue's own line says that it can't be reached.
      return []
    }
  }
}

extension SessionStatus {
  fileprivate var value: StatusValue {
    .object([
      "connected": .boolean(isConnected), "circuit": .text(circuit.rawValue),
      "circuitOpenings": StatusValue(openings), "openCalls": StatusValue(openCalls),
      "retriesLeft": StatusValue(retriesLeft), "lateAnswers": StatusValue(lateAnswers),
    ])
  }
}
