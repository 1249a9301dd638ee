#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What became of a submission.
struct Submission {
  let answer: Answer
  /// More than one try was needed, so that a replay may be of our own order.
  let wasRepeated: Bool
}

extension OrdersClient {
  /// Before the second, third and fourth try.
  private static let pauses: [Duration] = [.milliseconds(250), .milliseconds(500), .seconds(1)]

  /// Submits an order, again when the connection breaks: the key lets the server tell a repeat from a second order, so
  /// that a lost answer is no reason to give up. Four tries within `timeout` at the most.
  func submit(_ document: Data, key: String, timeout: Duration) async throws -> Submission {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    var pauses = Self.pauses[...]
    while true {
      do {
        let answer = try await post(
          "/v1/orders", json: document, headers: [("idempotency-key", key)],
          timeout: clock.now.duration(to: deadline))
        return Submission(answer: answer, wasRepeated: pauses.count < Self.pauses.count)
      } catch let failure as Failure where failure.isBrokenConnection {
        guard let pause = pauses.popFirst(), clock.now + pause < deadline else { throw failure }
        try await Task.sleep(for: pause)
      }
    }
  }
}
