import Foundation

/// The bytes of a protocol: one request, one reply, in order.
protocol LineProtocol {
  func enqueue(_ body: [UInt8]) -> [UInt8]
  func lease() -> [UInt8]
  func ack(_ id: ArraySlice<UInt8>) -> [UInt8]
  /// Nil while the reply is incomplete. Throws on a refusal.
  func parse(_ buffer: ArraySlice<UInt8>) throws -> Reply?
}

struct Reply {
  var length: Int
  /// Of a lease: which order.
  var id: ArraySlice<UInt8>?
}

final class Connection {
  let descriptor: Int32
  private var inbox: [UInt8] = []
  private var chunk = [UInt8](repeating: 0, count: 65_536)

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      close(descriptor)
      throw BenchError("no connection to port \(port)")
    }
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit { close(descriptor) }

  /// Requests are small beside the socket's buffer, so a write that waits is rare.
  func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
      guard count > 0 else { throw BenchError("the connection was closed while writing") }
      sent += count
    }
  }

  /// Sends a request and waits until something of its answer is there.
  func ask(_ request: [UInt8]) throws {
    try write(request)
    let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { throw BenchError("the connection was closed while reading") }
  }

  /// Reads once, and hands out each complete reply.
  func read(_ wire: some LineProtocol, _ reply: (Reply) throws -> Void) throws {
    let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { throw BenchError("the connection was closed while reading") }
    inbox += chunk[..<count]
    var start = 0
    while start < inbox.count, let one = try wire.parse(inbox[start...]) {
      start += one.length
      try reply(one)
    }
    inbox.removeFirst(start)
  }
}

/// Cycles against a server with one request at a time on each connection: for each cycle that is under way
/// one connection that enqueues and one that leases and acknowledges, as a producer and a worker would have.
struct SocketLoad<Wire: LineProtocol> {
  let wire: Wire
  let port: Int

  private struct Slot {
    var began = 0.0
    var isIn = false
    var isOut = false
  }

  func run(_ load: Load) throws -> Outcome {
    let body = [UInt8](repeating: UInt8(ascii: "x"), count: load.body)
    let put = wire.enqueue(body)
    let take = wire.lease()
    var producers: [Connection] = []
    var workers: [Connection] = []
    var polled: [pollfd] = []
    for slot in 0..<load.inFlight {
      producers.append(try Connection(port: port))
      workers.append(try Connection(port: port))
      polled.append(pollfd(fd: producers[slot].descriptor, events: Int16(POLLIN), revents: 0))
      polled.append(pollfd(fd: workers[slot].descriptor, events: Int16(POLLIN), revents: 0))
    }
    var slots = [Slot](repeating: Slot(), count: load.inFlight)
    var latencies: [Double] = []
    let measuring = seconds() + load.warmUp
    let end = measuring + load.time
    var running = 0

    func begin(_ slot: Int) throws {
      slots[slot] = Slot(began: seconds())
      running += 1
      try producers[slot].write(put)
      try workers[slot].write(take)
    }
    func finish(_ slot: Int) throws {
      guard slots[slot].isIn, slots[slot].isOut else { return }
      let now = seconds()
      running -= 1
      if now >= measuring, now < end { latencies.append((now - slots[slot].began) * 1_000) }
      if now < end { try begin(slot) }
    }

    for slot in slots.indices { try begin(slot) }
    while running > 0 {
      guard poll(&polled, nfds_t(polled.count), 10_000) > 0 else { throw BenchError("no reply in 10 s") }
      for place in polled.indices where polled[place].revents != 0 {
        let slot = place / 2
        if place.isMultiple(of: 2) {
          try producers[slot].read(wire) { _ in
            slots[slot].isIn = true
            try finish(slot)
          }
        } else {
          try workers[slot].read(wire) { reply in
            if let id = reply.id { return try workers[slot].write(wire.ack(id)) }
            slots[slot].isOut = true
            try finish(slot)
          }
        }
      }
    }
    latencies.sort()
    return Outcome(
      perSecond: Double(latencies.count) / load.time, p50: percentile(0.5, of: latencies),
      p99: percentile(0.99, of: latencies))
  }

  /// Many enqueues in one write.
  func fill(_ count: Int, body: Int) throws -> Double {
    let began = seconds()
    let connection = try Connection(port: port)
    let put = wire.enqueue([UInt8](repeating: UInt8(ascii: "x"), count: body))
    var left = count
    while left > 0 {
      let batch = min(left, 64)
      try connection.write((0..<batch).flatMap { _ in put })
      var answers = 0
      while answers < batch { try connection.read(wire) { _ in answers += 1 } }
      left -= batch
    }
    return seconds() - began
  }
}
