import CheckoutFlow
import CoreTime
import OrderDomain
import OrderWire
import Testing
import VectorClock

@testable import Orchestrator

/// What is written by hand is what synthesized `Codable` writes, which reads it again.
@Suite struct RecordTextTests {
  private func full() throws -> StoredOrder {
    var order = try sampleOrder()
    order.total = Money(minorUnits: 2_998, currency: try #require(Currency("EUR")))
    order.customer.name = "Ada \"\\\n\u{1} Ö"
    order.items = [OrderItem(sku: "book-dune", quantity: 2), OrderItem(sku: "goods-mug", quantity: 1)]
    order.shippingAddress = Address(street: "Rüütli 1", city: "Pärnu", postalCode: "80010", country: "EE")
    order.shipping = Shipping(method: "express")
    let findings = [
      Finding(code: "odd", field: "/items/0", message: "odd", score: 7),
      Finding(code: "flagged_for_review", field: "", message: "look"),
    ]
    order.rejection = try OrderTable.decode(
      Rejection.self,
      """
      {"event": {"id": "e", "name": "screen payment"}, "service": "fraud-detection", "code": "odd",
       "reason": "odd", "retryable": true, "findings": \(try JSONText.string(findings))}
      """)
    order.findings = findings
    order.suggestions = .init(degraded: true, items: [SuggestedItem(sku: "book-emma", title: "Emma")])
    order.execution = .init(executor: "executor-3", epoch: .max, attempt: 2)
    order.cancellation = .init(reason: "ordered twice", requestedAt: order.createdAt)
    order.reason = "why"
    // One process: the order of a dictionary is nobody's promise.
    order.clock = VectorClock(["orchestrator": .max])
    return order
  }

  @Test func anOrderIsWrittenAsItsTypeSays() throws {
    for order in [try full(), try sampleOrder()] {
      let text = RecordText.of(order)
      #expect(try text == JSONText.string(order))
      #expect(try OrderTable.decode(StoredOrder.self, text) == order)
    }
  }

  @Test func aTimelineIsWrittenAsItsTypeSays() throws {
    let time = try sampleOrder().createdAt
    let entries = [
      TimelineEntry(
        at: time, actor: "a\"", event: "e", state: "passed", reason: "r", clock: VectorClock(["p": 1])),
      TimelineEntry(at: time, actor: "b", state: "received", clock: VectorClock()),
    ]
    for list in [entries, []] {
      #expect(try RecordText.of(list) == JSONText.string(list))
      #expect(try OrderTable.decode([TimelineEntry].self, RecordText.of(list)) == list)
    }
  }
}
