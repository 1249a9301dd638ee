import CheckoutFlow
import CoreTime
import DaemonKit
import GRPCSupport
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import VectorClock

typealias CheckSession = PeerSession<Ordersd_V1_CheckCall.OneOf_Call, Ordersd_V1_CheckAnswer.OneOf_Answer>
typealias QueueSession = PeerSession<Ordersd_V1_QueueCall.OneOf_Call, Ordersd_V1_QueueAnswer.OneOf_Answer>

/// The three check services, called by the names that the event table uses.
struct CheckSessions: Sendable {
  /// How long a service may take to say that it has forgotten an order.
  private static let settleDeadline = Duration.seconds(2)

  let all: [CheckSession]
  private let byName: [String: CheckSession]

  init(_ sessions: [CheckSession]) {
    all = sessions
    byName = Dictionary(sessions.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Throws `internal` for a name that only the event table knows.
  func session(_ service: String) throws(ServiceError) -> CheckSession {
    guard let session = byName[service] else {
      throw ServiceError(.internal, "the event table names '\(service)', which is not a check service")
    }
    return session
  }

  /// Tells `service` that an order is over; `found` gets its answer.
  func settle(
    _ service: String, order: OrderID, approved: Bool, finalClock: VectorClock, now: Instant,
    found: @escaping @Sendable (Result<Ordersd_V1_SettleReply, ServiceError>) -> Void
  ) {
    let message = Ordersd_V1_SettleRequest.with {
      $0.orderID = order.description
      $0.finalClock = finalClock.message
      $0.approved = approved
    }
    do throws(ServiceError) {
      // Nobody waits for it: it travels with the next check, or with others of its kind.
      try session(service).submit(.settle(message), deadline: now + Self.settleDeadline, isUrgent: false) {
        result in
        found(
          result.flatMap { answer in
            guard case .settle(let reply) = answer else { return .failure(.mismatch(service)) }
            return .success(reply)
          })
      }
    } catch {
      found(.failure(error))
    }
  }
}

extension ServiceError {
  /// A peer answered something that was not asked.
  static func mismatch(_ service: String) -> ServiceError {
    ServiceError(.internal, "\(service) answered something else than what was asked", service: service)
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
