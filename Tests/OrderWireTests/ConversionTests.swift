import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

/// Between messages and the domain.
struct ConversionTests {
  private static let order = OrderRequest(
    customer: Customer(name: "Ada", email: "ada@example.org"),
    items: [OrderItem(sku: "x", quantity: 2), OrderItem(sku: "y", quantity: -1)],
    billingAddress: Address(street: "S", city: "C", postalCode: "P", country: "EE"),
    payment: Payment(card: Card(holder: "Ada", number: "4111", expiry: "12/30", cvv: "123")))

  @Test func anOrderComesBackAsItWas() throws {
    #expect(try OrderRequest(Self.order.message) == Self.order)
    var full = Self.order
    full.shippingAddress = Address(street: "T", city: "D", postalCode: "", country: "US")
    full.shipping = Shipping(method: "express")
    full.acceptTerms = false
    full.currency = ""
    full.total = 0
    full.priority = 0
    #expect(try OrderRequest(full.message) == full)
  }

  @Test func clocksMoneyAndFindingsComeBackAsTheyWere() throws {
    let clock = VectorClock(["orchestrator": 7, "executor-3": 1])
    #expect(try VectorClock(clock.message) == clock)
    let money = Money(minorUnits: -5, currency: try #require(Currency("JPY")))
    #expect(try Money(money.message) == money)
    let finding = Finding(
      code: "card_expired", field: "/payment/card/expiry", message: "Use another.", score: 3)
    #expect(Finding(finding.wireMessage) == finding)
  }

  /// Clients may declare `map<string, uint64> components = 1` in place of the entries.
  @Test(
    arguments: [
      ([0x0A, 0x05, 0x0A, 0x01, 0x61, 0x10, 0x07], ["a": 7]),
      // The last of a process counts; without a count it is none.
      ([0x0A, 0x05, 0x0A, 0x01, 0x61, 0x10, 0x07, 0x0A, 0x05, 0x0A, 0x01, 0x61, 0x10, 0x02], ["a": 2]),
      ([0x0A, 0x03, 0x0A, 0x01, 0x61], [:]),
    ] as [([UInt8], [String: UInt64])])
  func clocksAreMapsOnTheWire(bytes: [UInt8], components: [String: UInt64]) throws {
    let message = try Ordersd_V1_VectorClock(serializedBytes: bytes)
    #expect(try VectorClock(message) == VectorClock(components))
  }

  @Test func aClockIsWrittenAsAMap() throws {
    let bytes: [UInt8] = try VectorClock(["a": 7]).message.serializedBytes()
    #expect(bytes == [0x0A, 0x05, 0x0A, 0x01, 0x61, 0x10, 0x07])
    let nameless = try Ordersd_V1_VectorClock(serializedBytes: [0x0A, 0x02, 0x10, 0x07] as [UInt8])
    #expect(throws: ServiceError.self) { try VectorClock(nameless) }
  }

  @Test func limitsHold() {
    var clock = Ordersd_V1_VectorClock()
    clock.components = [String(repeating: "p", count: WireLimit.processName + 1): 1]
    let longName = clock
    #expect(throws: ServiceError.self) { try VectorClock(longName) }
    clock.components = ["": 1]
    let noName = clock
    #expect(throws: ServiceError.self) { try VectorClock(noName) }
    clock.components = ["p": WireLimit.clockCount]
    let largest = clock
    #expect(throws: Never.self) { try VectorClock(largest) }
    clock.components = ["p": WireLimit.clockCount + 1]
    let tooLarge = clock
    #expect(throws: ServiceError.self) { try VectorClock(tooLarge) }
    var order = Self.order.message
    order.items = Array(repeating: Ordersd_V1_Item(), count: WireLimit.orderItems + 1)
    let large = order
    #expect(throws: ServiceError.self) { try OrderRequest(large) }
    #expect(throws: ServiceError.self) { try OrderID(wire: "0192f3a1") }
  }
}
