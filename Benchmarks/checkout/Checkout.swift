// Orders through REST, as fast as they are answered: orders/s, latencies, and what each role spends on them.
//
// One thread, keep-alive connections with one request each in flight, so that the client costs little beside
// what it measures. Started by `run`, which starts the roles.

import Glibc

/// What `run` passes.
struct Options {
  var port: UInt16 = 8081
  /// Their children are the roles whose CPU time is told; 0 = none.
  var supervisor: Int32 = 0
  var connections = [1, 16, 64]
  var seconds = 10.0
  var warmUp = 2.0
  /// Orders of one request, as NDJSON to `POST /v1/orders:batch`; 0 = one order for each `POST /v1/orders`.
  var batch = 0
  var title = "Checkout"

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { fail("\(name) needs a value") }
      switch name {
      case "--port": port = number(value, name)
      case "--supervisor": supervisor = number(value, name)
      case "--connections": connections = value.split(separator: ",").map { number(String($0), name) }
      case "--seconds": seconds = Double(value) ?? 10
      case "--warm-up": warmUp = Double(value) ?? 2
      case "--batch": batch = number(value, name)
      case "--title": title = value
      default: fail("\(name) is not known")
      }
    }
  }
}

func number<Value: FixedWidthInteger>(_ text: String, _ name: String) -> Value {
  guard let value = Value(text) else { fail("\(name) needs a whole number, not '\(text)'") }
  return value
}

func fail(_ message: String) -> Never {
  say("checkout: \(message)", to: STDERR_FILENO)
  exit(1)
}

func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
  let line = Array((text + "\n").utf8)
  _ = write(descriptor, line, line.count)
}

func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

// MARK: Orders

/// Orders of different customers, with different cards and baskets, so that no velocity rule applies.
struct Orders {
  static let skus = [
    "book-dune", "book-hyperion", "book-left-hand", "book-solaris", "book-emma", "goods-mug",
    "goods-tea-sampler",
    "goods-bookends",
  ]
  /// Keys are unique over runs.
  private let run = nanoseconds()
  private var count: UInt64 = 0

  mutating func next() -> (body: String, key: String) {
    count += 1
    let number = run / 1_000 &+ count &* 7_919
    let sku = Self.skus[Int(count % UInt64(Self.skus.count))]
    let name = "Ada \(number)"
    let body = """
      {"customer":{"name":"\(name)","email":"ada\(number)@example.org"},\
      "items":[{"sku":"\(sku)","quantity":\(1 + count % 3)}],\
      "billingAddress":{"street":"Ülikooli \(number)","city":"Tartu","postalCode":"\(10_000 + number % 80_000)",\
      "country":"EE"},"shipping":{"method":"standard"},\
      "payment":{"card":{"holder":"\(name)","number":"\(Self.card(number))","expiry":"12/30","cvv":"123"}},\
      "acceptTerms":true}
      """
    return (body, "bench-\(run)-\(count)")
  }

  /// A Visa number with its check digit (ISO/IEC 7812-1 annex B).
  private static func card(_ number: UInt64) -> String {
    var digits: [UInt64] = [4]
    var rest = number &* 0x9E37_79B9_7F4A_7C15 >> 8
    for _ in 0..<14 {
      digits.append(rest % 10)
      rest /= 10
    }
    var sum: UInt64 = 0
    for (index, digit) in digits.reversed().enumerated() {
      let doubled = index % 2 == 0 ? digit * 2 : digit
      sum += doubled > 9 ? doubled - 9 : doubled
    }
    digits.append((10 - sum % 10) % 10)
    return digits.map { String($0) }.joined()
  }
}

// MARK: Connections

final class Connection {
  let descriptor: Int32
  var started: UInt64 = 0
  var input: [UInt8] = []
  var output: [UInt8] = []
  var written = 0

  init(port: UInt16) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { fail("cannot connect to port \(port): \(String(cString: strerror(errno)))") }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  func send(_ orders: inout Orders, batch: Int) {
    let request: String
    if batch == 0 {
      let (body, key) = orders.next()
      request = """
        POST /v1/orders HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nIdempotency-Key: \(key)\r\n\
        Content-Length: \(body.utf8.count)\r\n\r\n\(body)
        """
    } else {
      let body = (0..<batch).map { _ in orders.next().body + "\n" }.joined()
      request = """
        POST /v1/orders:batch HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-ndjson\r\n\
        Content-Length: \(body.utf8.count)\r\n\r\n\(body)
        """
    }
    send(request)
  }

  func send(_ request: String) {
    output = Array(request.utf8)
    written = 0
    started = nanoseconds()
    flush()
  }

  func flush() {
    while written < output.count {
      let count = output.withUnsafeBytes { buffer in
        write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
      }
      if count < 0 {
        if errno == EAGAIN { return }
        fail("a connection broke: \(String(cString: strerror(errno)))")
      }
      written += count
    }
  }

  /// The response once it is whole: status and body.
  func receive() -> (status: Int, body: ArraySlice<UInt8>)? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count == 0 { fail("the orchestrator closed a connection") }
      if count < 0 {
        if errno == EAGAIN { break }
        fail("a connection broke: \(String(cString: strerror(errno)))")
      }
      input.append(contentsOf: buffer[..<count])
      if count < buffer.count { break }
    }
    return response()
  }

  private func response() -> (status: Int, body: ArraySlice<UInt8>)? {
    guard let end = Self.find(Array("\r\n\r\n".utf8), in: input[...]) else { return nil }
    let head = String(decoding: input[..<end], as: UTF8.self)
    let start = end + 4
    let status = Int(head.dropFirst(9).prefix(3)) ?? 0
    for line in head.split(separator: "\r\n").dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      let name = parts[0].lowercased()
      if name == "content-length", let length = Int(parts[1].filter { $0.isNumber }) {
        return input.count >= start + length ? (status, input[start..<start + length]) : nil
      }
      if name == "transfer-encoding" {
        // The end of a chunked body (RFC 9112 §7.1), which our bodies do not hold by themselves.
        let ending = Array("0\r\n\r\n".utf8)
        return input.count >= start + 5 && input.suffix(5) == ending[...] ? (status, input[start...]) : nil
      }
    }
    return nil
  }

  static func find(_ needle: [UInt8], in hay: ArraySlice<UInt8>) -> Int? {
    guard hay.count >= needle.count, let first = needle.first else { return nil }
    var index = hay.startIndex
    while index <= hay.endIndex - needle.count {
      if hay[index] == first, hay[index..<index + needle.count] == needle[...] { return index }
      index += 1
    }
    return nil
  }

  static func count(_ needle: [UInt8], in hay: ArraySlice<UInt8>) -> Int {
    var (count, rest) = (0, hay)
    while let found = find(needle, in: rest) {
      count += 1
      rest = rest[(found + needle.count)...]
    }
    return count
  }
}

// MARK: What is left to do

/// Orders that are approved and not executed yet, as the orchestrator knows.
func unexecuted(port: UInt16) -> Int {
  let connection = Connection(port: port)
  defer { close(connection.descriptor) }
  connection.send("GET /v1/orders?limit=1 HTTP/1.1\r\nHost: bench\r\n\r\n")
  for _ in 0..<10 {
    var waiting = pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&waiting, 1, 1_000)
    guard let (status, body) = connection.receive() else { continue }
    // States of which there is no order are left out.
    guard status == 200, Connection.find(Array(#""counts":{"#.utf8), in: body) != nil else {
      fail("the orders could not be counted: \(status)")
    }
    return ["approved", "queued", "executing"].reduce(0) { $0 + number(after: "\"\($1)\":", in: body) }
  }
  fail("the orders could not be counted in time")
}

func number(after name: String, in text: ArraySlice<UInt8>) -> Int {
  guard let place = Connection.find(Array(name.utf8), in: text) else { return 0 }
  let digits = text[(place + name.utf8.count)...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  return Int(String(decoding: digits, as: UTF8.self)) ?? 0
}

/// Waits until everything that was approved is executed.
func drain(port: UInt16) {
  for _ in 0..<600 {
    if unexecuted(port: port) == 0 { return }
    usleep(100_000)
  }
  fail("orders are left unexecuted after a minute")
}

// MARK: CPU time

/// CPU seconds by role, of the children of `supervisor` (proc_pid_stat(5)).
func cpuSeconds(of supervisor: Int32) -> [String: Double] {
  var seconds: [String: Double] = [:]
  guard supervisor > 0, let folder = opendir("/proc") else { return seconds }
  defer { closedir(folder) }
  let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    guard Int32(name) != nil, let stat = contents("/proc/\(name)/stat"), let close = stat.lastIndex(of: ")")
    else {
      continue
    }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 12, Int32(fields[1]) == supervisor else { continue }
    let arguments = (contents("/proc/\(name)/cmdline") ?? "").split(separator: "\0")
    guard arguments.count > 1 else { continue }
    let role = String(arguments[1])
    seconds[role, default: 0] += (Double(fields[11]) ?? 0) / tick + (Double(fields[12]) ?? 0) / tick
  }
  return seconds
}

func contents(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 8_192)
  let count = read(descriptor, &bytes, bytes.count)
  return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
}

// MARK: Measuring

struct Figures {
  var latencies: [UInt64] = []
  var orders = 0
  var approved = 0
  var refused: [Int: Int] = [:]
  /// Approved and not executed when the time was over.
  var behind = 0
  var seconds = 0.0
  var cpu: [String: Double] = [:]

  func percentile(_ part: Double) -> Double {
    guard !latencies.isEmpty else { return 0 }
    let sorted = latencies.sorted()
    return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]) / 1_000_000
  }
}

func measure(_ options: Options, connections count: Int, _ orders: inout Orders) -> Figures {
  let connections = (0..<count).map { _ in Connection(port: options.port) }
  for connection in connections { connection.send(&orders, batch: options.batch) }
  let begin = nanoseconds() + UInt64(options.warmUp * 1e9)
  let end = begin + UInt64(options.seconds * 1e9)
  var figures = Figures()
  var before: [String: Double]?
  var now = nanoseconds()
  while now < end {
    var waiting = connections.map { connection in
      pollfd(
        fd: connection.descriptor,
        events: Int16(connection.written < connection.output.count ? POLLIN | POLLOUT : POLLIN), revents: 0)
    }
    _ = poll(&waiting, nfds_t(waiting.count), 1_000)
    for (connection, entry) in zip(connections, waiting) where entry.revents != 0 {
      connection.flush()
      guard let (status, body) = connection.receive() else { continue }
      now = nanoseconds()
      if now >= begin {
        if before == nil { before = cpuSeconds(of: options.supervisor) }
        figures.latencies.append(now - connection.started)
        if status == 201 || status == 200 {
          figures.orders += max(1, options.batch)
          figures.approved += Connection.count(Array(#""state":"approved""#.utf8), in: body)
        } else {
          figures.refused[status, default: 0] += 1
        }
      }
      connection.input.removeAll(keepingCapacity: true)
      connection.send(&orders, batch: options.batch)
    }
    now = nanoseconds()
  }
  figures.seconds = Double(now - begin) / 1e9
  figures.behind = unexecuted(port: options.port)
  // Executing is part of what an order costs.
  drain(port: options.port)
  for (role, after) in cpuSeconds(of: options.supervisor) { figures.cpu[role] = after - (before?[role] ?? 0) }
  for connection in connections { close(connection.descriptor) }
  return figures
}

func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

func rounded(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let whole = (value * scale).rounded() / scale
  return digits == 0 ? String(Int(whole)) : "\(whole)"
}

@main struct Checkout {
  static func main() {
    signal(SIGPIPE, SIG_IGN)
    let options = Options(CommandLine.arguments)
    var orders = Orders()
    say(options.title)
    say("connections  orders/s  approved  other  behind  p50 ms  p99 ms   CPU s per 1,000 orders, by role")
    for count in options.connections {
      let figures = measure(options, connections: count, &orders)
      let roles = figures.cpu.sorted { $0.key < $1.key }.map { role, seconds in
        "\(role) \(rounded(seconds * 1_000 / Double(max(1, figures.orders)), 3))"
      }
      let total = figures.cpu.values.reduce(0, +) * 1_000 / Double(max(1, figures.orders))
      let columns = [
        padded("\(count)", 11), padded(rounded(Double(figures.orders) / figures.seconds, 0), 9),
        padded("\(figures.approved)", 9), padded("\(figures.refused.values.reduce(0, +))", 6),
        padded("\(figures.behind)", 7),
        padded(rounded(figures.percentile(0.5), 2), 7), padded(rounded(figures.percentile(0.99), 2), 7),
        "  \(rounded(total, 3)): " + roles.joined(separator: ", "),
      ]
      say(columns.joined(separator: " "))
    }
  }
}
