import Foundation

/// A steady stream of tiny orders, put into the queue itself over one `Session` stream, so that one is
/// always ready a moment after a new leader is. curl speaks the HTTP/2; the messages are made here
/// (order_queue.proto).
final class OrderStream: Sendable {
  private let isOver = Flag()
  private let worker: Worker<Int>

  /// `rate`: orders per second.
  init(_ lab: Lab, rate: Double) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw LabError("no pipe") }
    let (output, input) = (ends[0], ends[1])
    // An end that other programs inherit would keep curl waiting for more.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(output) }
    let host = Lab.queueHost
    let curl = try lab.run(
      "curl",
      [
        "ip", "netns", "exec", lab.network.namespace(host), "curl", "--no-progress-meter", "-N",
        "--http2-prior-knowledge", "-X", "POST",
        "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "expect:", "-T", ".", "-o",
        "/dev/null",
        "http://\(LabNetwork.address(host)):50055/ordersd.v1.OrderQueue/Session",
      ], input: output)
    signal(SIGPIPE, SIG_IGN)
    worker = Worker { [isOver] in
      defer { close(input) }
      var number = 0
      var next = ContinuousClock.now
      while !isOver.isSet {
        number += 1
        let message = Self.enqueue(UInt64(number))
        guard curl.isRunning, write(input, message, message.count) == message.count else {
          throw LabError("the stream of orders broke after \(number) orders")
        }
        next = max(next + .seconds(1 / rate), .now)
        rest(next - .now)
      }
      return number
    }
  }

  /// How many orders were put in.
  func stop() throws -> Int {
    isOver.set()
    return try worker.value()
  }

  // MARK: Messages

  /// A gRPC frame with a QueueSessionRequest of one call.
  private static func enqueue(_ number: UInt64) -> [UInt8] {
    let order =
      field(1, Array(orderID().utf8)) + varint(3 << 3) + varint(5)
      + field(4, Array(#"{"benchmark":"failover"}"#.utf8))
    let request = field(1, varint(1 << 3) + varint(number) + field(2, order))
    let length = UInt32(request.count)
    return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + request
  }

  private static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(truncatingIfNeeded: value) | 0x80] + varint(value >> 7)
  }

  /// A UUIDv7 (RFC 9562).
  private static func orderID() -> String {
    let milliseconds = UInt64(wallNow() * 1_000)
    var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
    for place in 0..<6 { bytes[place] = UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * UInt64(place))) }
    bytes[6] = bytes[6] & 0x0f | 0x70
    bytes[8] = bytes[8] & 0x3f | 0x80
    let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
    return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { hex[$0].joined() }.joined(separator: "-")
  }
}
