import DaemonKit
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

/// Requests whose shape is wrong are refused with the field's name, and leave nothing behind.
struct RefusalTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    let says: String
    let change: @Sendable (inout Ordersd_V1_CheckRequest) -> Void
    var testDescription: String { says }
  }

  static let refusals: [Refusal] = [
    Refusal(says: "events: 'g' is not carried out here; this service knows 'a', 'b', 'c'") {
      $0.events = ["a", "g"]
    },
    Refusal(says: "events: must name 1 to 16 events, not 0") { $0.events = [] },
    Refusal(says: "events: must name 1 to 16 events, not 17") {
      $0.events = Array(repeating: "a", count: 17)
    },
    Refusal(says: "events: 'a' stands twice") { $0.events = ["a", "a"] },
    Refusal(says: "events: 'c' must stand after 'a'") { $0.events = ["c", "a"] },
    Refusal(says: "order: is missing") { $0.clearOrder() },
    Refusal(says: "order_id: 'seven' is not a UUIDv7") { $0.orderID = "seven" },
    Refusal(says: "amount.currency: 'euro' is not an ISO 4217 code") { $0.amount.currency = "euro" },
    Refusal(says: "order.items: at most 1000, not 1001") {
      $0.order.items = Array(repeating: Ordersd_V1_Item(), count: 1_001)
    },
    Refusal(says: "order.billing_address.city: has 1025 bytes; at most 1024 are taken") {
      $0.order.billingAddress.city = String(repeating: "x", count: 1_025)
    },
    Refusal(says: "clock: at most 64 processes") { request in
      for number in 0..<65 { request.clock.components["p\(number)"] = 1 }
    },
  ]

  @Test(arguments: refusals) func theFieldIsNamed(_ refusal: Refusal) async throws {
    let order = try example("order.json")
    try await withRole("transaction-verification", transactionVerification()) { role in
      var request = checkRequest(["a"], order)
      refusal.change(&request)
      let wrong = request
      let error = await #expect(throws: ServiceError.self) { try await role.verify(wrong) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.hasPrefix(refusal.says) == true, "\(error?.message ?? "")")
      #expect(await role.report().details["unsettledOrders"] == 0)
    }
  }

  @Test func eventENeedsAnAmount() async throws {
    let order = try example("order.json")
    try await withFraudDetection() { role in
      let error = await #expect(throws: ServiceError.self) {
        try await role.screen(checkRequest(["d", "e"], order, amount: nil))
      }
      #expect(error?.message == "amount: is missing; event 'e' needs it")
      let buyer = try await role.screen(checkRequest(["d"], order, amount: nil))
      #expect(buyer.results.map(\.outcome) == [.passed])
    }
  }

  @Test func settleRefusesAWrongOrderID() async throws {
    try await withRole("transaction-verification", transactionVerification()) { role in
      var request = settleRequest(newOrderID(), VectorClock())
      request.orderID = ""
      let wrong = request
      let error = await #expect(throws: ServiceError.self) { try await role.settle(wrong) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func theFaultHookHoldsAnswersBackAndTheBudgetRunsOut() async throws {
    let order = try example("order.json")
    let build = transactionVerification(["transaction-verification.fault-delay": "60ms"])
    try await withRole("transaction-verification", build) { role in
      let clock = ContinuousClock()
      let taken = try await clock.measure { _ = try await role.verify(checkRequest(["a"], order)) }
      #expect(taken >= .milliseconds(60))
      var hurried = checkRequest(["a"], order)
      hurried.budgetMs = 5
      let request = hurried
      let error = await #expect(throws: ServiceError.self) { try await role.verify(request) }
      #expect(error?.code == .deadlineExceeded)
    }
  }
}
