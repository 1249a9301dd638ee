import CheckoutFlow
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What became of one line of a batch: a line of the answer.
struct BatchLine: Encodable, Sendable {
  struct RejectionView: Encodable, Sendable {
    let event: String
    let service: String
    let code: String
    let reason: String
    let retryable: Bool
  }

  /// From 1; empty lines count, but are not answered.
  let line: Int
  /// As `POST /v1/orders` would have answered.
  let status: Int
  let orderId: OrderID?
  let state: OrderState?
  let replayed: Bool?
  let rejection: RejectionView?
  let problem: Problem?

  init(_ line: Int, _ answer: Intake.Answer) {
    self.line = line
    // A held order is not decided yet.
    status = answer.order.state == .interrupted ? 202 : 201
    orderId = answer.order.id
    state = answer.order.state
    replayed = answer.isReplay ? true : nil
    rejection = answer.order.rejection.map {
      RejectionView(
        event: $0.event.id, service: $0.service, code: $0.code, reason: $0.reason, retryable: $0.retryable)
    }
    problem = nil
  }

  init(_ line: Int, _ error: ServiceError) {
    self.line = line
    status = error.code.disposition.http
    (orderId, state, replayed, rejection) = (nil, nil, nil, nil)
    problem = Problem(error)
  }
}

/// The last line of the answer to a batch; where it is missing, the answer is incomplete.
struct BatchSummary: Encodable, Sendable {
  struct Counts: Encodable, Sendable {
    /// Lines that were read and answered.
    var lines = 0
    /// Approved orders, and those that have got further.
    var accepted = 0
    var rejected = 0
    /// Orders that are not decided yet: a service was out of reach, and they are tried again.
    var held = 0
    /// Orders that were there before, by their idempotency keys.
    var replayed = 0
    /// Lines with a problem.
    var failed = 0
    /// Every line of the request was read.
    var complete = true

    mutating func add(_ line: BatchLine) {
      lines += 1
      if line.problem != nil { failed += 1 }
      if line.replayed == true { replayed += 1 }
      switch line.state {
      case .approved, .queued, .executing, .executed: accepted += 1
      case .rejected: rejected += 1
      case .received, .verifying, .interrupted: held += 1
      // A repeat, of an order that has ended otherwise.
      case .cancelled, .expired, .failed, nil: break
      }
    }
  }

  let summary: Counts
}
