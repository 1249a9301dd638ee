import BullyElection
import CoreTime
package import DaemonKit
import ElectionWire
import GRPCSupport
import MulticastTransport
import ServiceLifecycle

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Puts one executor together. Throws when the election's socket cannot be opened.
package func buildExecutor(configuration: ExecutorConfiguration, context: DaemonContext) async throws
  -> RoleRuntime
{
  let process = "executor-\(configuration.id)"
  let incarnation = UInt64.random(in: 1...UInt64.max)
  let peer = try Peer(
    service: "order-queue", endpoint: configuration.queue, eventLoopGroup: context.eventLoopGroup)
  let queue = QueueClient(
    peer: peer, lane: configuration.election.lane, executorID: UInt32(configuration.id.rawValue),
    incarnation: incarnation, leases: LeaseCheck(configuration.election, context.logger))
  let fulfilment = makeFulfilment(configuration, context)
  let ledger = ExecutorLedger(process: process)
  let desk = LeadershipDesk()
  let socket = try await openSocket(configuration.transport, context)
  let election = ElectionShell(
    machine: BullyElection(
      id: configuration.id, incarnation: incarnation, configuration: configuration.election,
      seed: UInt64.random(in: 0...UInt64.max)),
    codec: ElectionCodec(cluster: configuration.cluster, keys: configuration.keys), socket: socket,
    desk: desk,
    clocks: context.clocks, heartbeats: context.heartbeats, logger: context.logger)
  let eligibility = Eligibility(
    election: election, queue: queue, fulfilment: fulfilment, ledger: ledger, clocks: context.clocks,
    heartbeats: context.heartbeats)
  let work = WorkLoop(
    desk: desk, election: election, eligibility: eligibility,
    tools: WorkLoop.Tools(
      process: process, queue: queue, fulfilment: fulfilment, ledger: ledger, clocks: context.clocks,
      heartbeats: context.heartbeats, logger: context.logger),
    credits: configuration.credits, drainTimeout: configuration.election.drainTimeout,
    seed: UInt64.random(in: 0...UInt64.max))
  let service = ExecutorService(
    election: election, work: work, eligibility: eligibility, socket: socket,
    heartbeats: context.heartbeats)
  let server = RoleServer(
    endpoint: configuration.server, setting: "executor.port",
    services: [
      ExecutorControlProvider(
        configuration: configuration, service: service, ledger: ledger, clocks: context.clocks,
        logger: context.logger)
    ],
    context: context)
  return RoleRuntime(
    services: [peer, server, service],
    // Neither a leader nor the queue is waited for: an executor that cannot lead yet is ready to follow.
    waitUntilListening: { _ = try await server.listening() },
    report: { await report(service, ledger) },
    onHealth: { server.attach($0) })
}

private func openSocket(_ transport: TransportConfiguration, _ context: DaemonContext) async throws
  -> MulticastSocket
{
  do {
    return try await MulticastSocket.open(
      configuration: transport, eventLoopGroup: context.eventLoopGroup, logger: context.logger)
  } catch {
    let endpoint =
      switch transport.mode {
      case .multicast(let group, let port, let interface):
        (NetworkEndpoint(host: group, port: port), "election.interface (now \(interface))")
      case .unicast(let host, let port, _): (NetworkEndpoint(host: host, port: port), "election.port")
      }
    throw ListenError(what: "the election", endpoint: endpoint.0, setting: endpoint.1, cause: error)
  }
}

private func makeFulfilment(_ configuration: ExecutorConfiguration, _ context: DaemonContext)
  -> any Fulfilment
{
  switch configuration.fulfilment {
  case .log: LogFulfilment(logger: context.logger)
  case .command:
    CommandFulfilment(
      command: configuration.command, timeout: configuration.timeout,
      environment: ProcessInfo.processInfo.environment)
  }
}

private func report(_ service: ExecutorService, _ ledger: ExecutorLedger) async -> RoleReport {
  let view = await service.election.view()
  let problem = await service.eligibility.problem()
  let figures = ledger.figures
  let transport = service.socket.counters
  let last = figures.lastOrder.map { ", last order \($0)" } ?? ""
  let summary: String
  if let leader = view.leader, leader.isSelf {
    summary = "leader term \(leader.term) epoch \(figures.epoch), \(figures.inFlight) in flight\(last)"
  } else if let problem {
    summary = "ineligible: \(problem)"
  } else if let leader = view.leader {
    summary = "follower of executor-\(leader.id) term \(leader.term)"
  } else {
    summary = "\(view.role.publicName) term \(view.term)"
  }
  let socket = SocketEvent.all.map { ($0.field, StatusValue(transport[keyPath: $0.count])) }
  return RoleReport(
    summary: summary, problems: problem.map { [$0] } ?? [],
    details: [
      "role_in_election": .text(view.role.publicName),
      "term": .init(view.term),
      "leader": .text(view.leader.map { "executor-\($0.id)" } ?? ""),
      "leader_epoch": .init(view.leader?.epoch ?? 0),
      "epoch": .init(figures.epoch),
      "in_flight": .init(figures.inFlight),
      "executed": .init(figures.executed),
      "failed": .init(figures.failed),
      "retried": .init(figures.retried),
      "refused": .init(figures.refused),
      "peers": .list(view.peers.map { .text("executor-\($0.id)") }),
      "frozen": .boolean(view.frozenUntil != nil),
      "dropped": .object(
        Dictionary(uniqueKeysWithValues: view.dropped.map { ($0.reason, StatusValue($0.count)) })),
    ].merging(socket) { known, _ in known })
}
