import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

/// What one message of a stream may hold.
struct MessageSizeTests {
  @Test(arguments: [
    ([], []),
    ([1], [[1]]),
    ([600_000, 400_000, 100_000], [[600_000, 400_000], [100_000]]),
    // Larger than a message by itself.
    ([1, 2_000_000, 1], [[1], [2_000_000], [1]]),
    ([1_048_576, 1], [[1_048_576], [1]]),
  ])
  func aRunIsAsLongAsFitsInOneMessage(_ sizes: [Int], _ messages: [[Int]]) {
    #expect(sizes.messages { $0 }.map(Array.init) == messages)
  }

  /// Rough, but never far below what it becomes on the wire.
  @Test func theSizesOfLargePartsAreSeen() throws {
    let text = String(repeating: "x", count: 1_000)
    let order = Ordersd_V1_CheckRequest.with { request in
      request.order.items = (0..<50).map { _ in .with { $0.sku = text } }
      request.order.name = text
      request.order.shippingAddress.street = text
    }
    let answer = Ordersd_V1_CheckAnswer.with { answer in
      answer.check.results = [.with { $0.findings = (0..<50).map { _ in .with { $0.message = text } } }]
    }
    let enqueue = Ordersd_V1_EnqueueRequest.with { request in
      request.body = .init(repeating: 1, count: 60_000)
      request.basket.items = (0..<50).map { _ in .with { $0.sku = text } }
    }
    let outcome = Ordersd_V1_Outcome.with { outcome in
      outcome.basket.items = (0..<50).map { _ in .with { $0.sku = text } }
      outcome.clock.components = ["a": 1]
    }
    let peek = Ordersd_V1_QueueAnswer.with { $0.peek.body = .init(repeating: 1, count: 60_000) }
    try expect(order.roughSize, for: order)
    try expect(answer.roughSize, for: answer)
    try expect(enqueue.roughSize, for: enqueue)
    try expect(outcome.roughSize, for: outcome)
    try expect(peek.roughSize, for: peek)
  }

  private func expect(_ rough: Int, for message: some Message) throws {
    let bytes: [UInt8] = try message.serializedBytes()
    #expect(bytes.count <= rough && rough < bytes.count + 4_096)
  }
}
