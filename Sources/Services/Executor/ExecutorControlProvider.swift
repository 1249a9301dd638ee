import BullyElection
import CoreTime
import DaemonKit
import GRPCCore
import JournalLog
import Logging
import OrderProtos
import OrderWire
import SwiftProtobuf

/// `ordersd.v1.ExecutorControl`.
struct ExecutorControlProvider: Ordersd_V1_ExecutorControl.SimpleServiceProtocol {
  private static let defaultPause: UInt32 = 10_000
  private static let longestPause: UInt32 = 3_600_000

  let configuration: ExecutorConfiguration
  let service: ExecutorService
  let ledger: ExecutorLedger
  let clocks: Clocks
  let logger: Logger

  func getStatus(
    request: Ordersd_V1_ExecutorStatusRequest, context: ServerContext
  ) async throws -> Ordersd_V1_ExecutorStatus {
    let view = await service.election.view()
    let problem = await service.eligibility.problem()
    let figures = ledger.figures
    let now = clocks.now()
    return .with {
      $0.executorID = UInt32(configuration.id.rawValue)
      $0.incarnation = view.incarnation
      $0.cluster = configuration.cluster
      $0.lane = configuration.election.lane
      $0.role = view.role.publicName
      $0.term = view.term
      $0.leaderID = UInt32(view.leader?.id.rawValue ?? 0)
      $0.leaderEpoch = view.leader?.epoch ?? 0
      $0.epoch = figures.epoch
      $0.eligible = problem == nil
      $0.ineligibleReason = problem ?? ""
      $0.peers = view.peers.map { peer in
        .with {
          $0.executorID = UInt32(peer.id.rawValue)
          $0.incarnation = peer.sighting.incarnation
          $0.lastHeardMs = UInt32(clamping: (now - peer.sighting.heardAt).millisecondsClamped)
          $0.eligible = peer.sighting.isEligible
        }
      }
      $0.inFlight = UInt32(clamping: figures.inFlight)
      $0.executed = figures.executed
      $0.failed = figures.failed
      $0.lastOrderID = figures.lastOrder.map { "\($0)" } ?? ""
      $0.frozenMs = UInt32(clamping: view.frozenUntil.map { ($0 - now).millisecondsClamped } ?? 0)
    }
  }

  func stepDown(
    request: Ordersd_V1_StepDownRequest, context: ServerContext
  ) async throws -> Ordersd_V1_StepDownReply {
    guard request.forMs <= Self.longestPause else {
      throw ServiceError(.invalidArgument, "for_ms: at most \(Self.longestPause), not \(request.forMs)")
    }
    let pause = request.forMs == 0 ? Self.defaultPause : request.forMs
    logger.tell(
      ElectionEvent.steppedDown, metadata: ["reason": "\(request.reason.prefix(200))", "for_ms": "\(pause)"])
    let steppedDown = await service.stepDown(for: .milliseconds(Int64(pause)), clocks: clocks)
    return .with { $0.steppedDown = steppedDown }
  }

  func freeze(
    request: Ordersd_V1_FreezeRequest, context: ServerContext
  ) async throws -> Ordersd_V1_FreezeReply {
    guard (1...Self.longestPause).contains(request.forMs) else {
      throw ServiceError(.invalidArgument, "for_ms: 1 to \(Self.longestPause), not \(request.forMs)")
    }
    logger.notice(
      "Asked to freeze the election.",
      metadata: ["reason": "\(request.reason.prefix(200))", "for_ms": "\(request.forMs)"])
    await service.election.take(.freeze(for: .milliseconds(Int64(request.forMs))))
    let leader = await service.election.view().leader
    return .with { $0.leaderID = UInt32(leader?.id.rawValue ?? 0) }
  }

  func thaw(request: Ordersd_V1_ThawRequest, context: ServerContext) async throws -> Ordersd_V1_ThawReply {
    let wasFrozen = await service.election.view().frozenUntil != nil
    await service.election.take(.thaw)
    return .with { $0.wasFrozen = wasFrozen }
  }
}

extension BullyElection.Role {
  /// As in docs/HANDBOOK.md.
  var publicName: String {
    switch self {
    case .idle: "starting"
    case .searching: "searching"
    case .following, .checking: "follower"
    case .electing, .awaiting: "candidate"
    case .takingOver: "taking-over"
    case .leading: "leader"
    case .stopped: "stopped"
    }
  }
}
