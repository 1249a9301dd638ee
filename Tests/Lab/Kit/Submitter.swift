import Foundation

/// Customers: a steady stream of orders through REST, each under an idempotency key of its own, repeated
/// under the same key until it is answered.
final class Submitter: Sendable {
  struct Result: Sendable {
    var approved: [String] = []
    var rejected: [String] = []
    /// Answers other than 201, and none; the order was submitted again each time.
    var repeats = 0
  }

  private static let customers = 4
  private let isOver = Flag()
  private let workers: [Worker<Result>]

  /// `rate`: orders per second in all.
  init(namespace: String, address: String, order: Data, rate: Double) {
    let pause = Duration.seconds(Double(Self.customers) / rate)
    workers = (0..<Self.customers).map { [isOver] customer in
      Worker(in: namespace) {
        let connection = RestConnection(address)
        var result = Result()
        var next = ContinuousClock.now
        var number = 0
        while !isOver.isSet {
          number += 1
          try Self.submit(order, key: "customer-\(customer)-\(number)", over: connection, into: &result)
          // What was missed is not made up for: a burst is another test.
          next = max(next + pause, .now)
          rest(next - .now)
        }
        return result
      }
    }
  }

  /// Stops, and waits until every order that was begun has its answer.
  func stop() throws -> Result {
    isOver.set()
    var all = Result()
    for result in try workers.map({ try $0.value() }) {
      all.approved += result.approved
      all.rejected += result.rejected
      all.repeats += result.repeats
    }
    return all
  }

  private static func submit(
    _ order: Data, key: String, over connection: RestConnection, into result: inout Result
  ) throws {
    let headers = ["Content-Type: application/json", "Idempotency-Key: \(key)"]
    var isDecided = false
    try eventually("order \(key) is answered", within: .seconds(30), every: .milliseconds(100)) {
      if let answer = try? connection.request("POST", "/v1/orders", headers: headers, body: order),
        answer.status == 201,
        let view = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any],
        let id = view["orderId"] as? String, let state = view["state"] as? String
      {
        if state == "rejected" { result.rejected.append(id) } else { result.approved.append(id) }
        isDecided = true
      } else {
        result.repeats += 1
      }
      return isDecided
    }
  }
}
