import CheckoutFlow
import DaemonKit
import GRPCCore
import GRPCSupport
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

/// The three check services, called by the names that the event table uses.
struct CheckClients: Sendable {
  private let peers: [String: Peer]

  init(_ peers: [Peer]) {
    self.peers = Dictionary(peers.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Carries out `events` of an order at `service`. Throws `ServiceError` that names the service.
  func check(
    _ service: String, events: [String], of order: OrderID, _ request: OrderRequest, amount: Money?,
    clock: VectorClock, budget: Duration
  ) async throws -> (results: [EventResult], clock: VectorClock) {
    let message = Ordersd_V1_CheckRequest.with {
      $0.orderID = order.description
      $0.clock = clock.message
      $0.events = events
      $0.order = request.message
      if let amount { $0.amount = amount.message }
      $0.budgetMs = UInt32(
        clamping: budget.components.seconds * 1_000 + budget.components.attoseconds / 1_000_000_000_000_000)
    }
    let reply = try await peer(service).call(deadline: budget) { client, options in
      switch service {
      case "transaction-verification":
        try await Ordersd_V1_TransactionVerification.Client(wrapping: client).check(message, options: options)
      case "fraud-detection":
        try await Ordersd_V1_FraudDetection.Client(wrapping: client).check(message, options: options)
      default:
        try await Ordersd_V1_Suggestions.Client(wrapping: client).check(message, options: options)
      }
    }
    return (try reply.results.map(EventResult.init), try VectorClock(reply.clock))
  }

  /// Tells `service` that an order is over. Returns what it found.
  func settle(
    _ service: String, order: OrderID, approved: Bool, finalClock: VectorClock
  ) async throws -> Ordersd_V1_SettleReply {
    let message = Ordersd_V1_SettleRequest.with {
      $0.orderID = order.description
      $0.finalClock = finalClock.message
      $0.approved = approved
    }
    return try await peer(service).call(deadline: .seconds(1)) { client, options in
      switch service {
      case "transaction-verification":
        try await Ordersd_V1_TransactionVerification.Client(wrapping: client).settle(
          message, options: options)
      case "fraud-detection":
        try await Ordersd_V1_FraudDetection.Client(wrapping: client).settle(message, options: options)
      default:
        try await Ordersd_V1_Suggestions.Client(wrapping: client).settle(message, options: options)
      }
    }
  }

  private func peer(_ service: String) throws -> Peer {
    guard let peer = peers[service] else {
      throw ServiceError(.internal, "the event table names '\(service)', which is not a check service")
    }
    return peer
  }
}

extension EventResult {
  /// Throws `invalid_argument` for an outcome or a clock that this version does not know.
  init(_ message: Ordersd_V1_EventResult) throws {
    let outcome: Outcome
    switch message.outcome {
    case .passed: outcome = .passed
    case .failed: outcome = .failed
    case .skipped: outcome = .skipped
    case .unspecified, .UNRECOGNIZED:
      throw ServiceError(.invalidArgument, "event \(message.event.prefix(8)): unknown outcome")
    }
    self.init(
      event: message.event, outcome: outcome, clock: try VectorClock(message.clock),
      findings: message.findings.map(Finding.init),
      suggestions: message.suggestions.prefix(50).map { SuggestedItem(sku: $0.sku, title: $0.title) })
  }
}
