import Foundation

/// HTTP/1.1 over one kept connection, blocking: used on a thread that has entered the host's namespace.
final class RestConnection {
  private let address: String
  private let port: UInt16
  private var descriptor: Int32 = -1
  private var received: [UInt8] = []

  init(_ address: String, port: UInt16 = 8081) {
    self.address = address
    self.port = port
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Throws when no answer comes within 5 s; the next request opens a connection anew.
  func request(
    _ method: String, _ path: String, headers: [String] = [], body: Data = Data()
  ) throws -> (status: Int, body: Data) {
    do {
      if descriptor < 0 { try connect() }
      let head =
        ["\(method) \(path) HTTP/1.1", "Host: \(address)", "Content-Length: \(body.count)"] + headers
      try send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
      return try answer()
    } catch {
      if descriptor >= 0 { close(descriptor) }
      descriptor = -1
      received = []
      throw error
    }
  }

  private func failure(_ what: String) -> LabError {
    LabError("\(what): \(String(cString: strerror(errno)))")
  }

  private func connect() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    target.sin_addr.s_addr = inet_addr(address)
    let result = withUnsafePointer(to: &target) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw failure("connect") }
  }

  private func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw failure("send") }
      sent += count
    }
  }

  private func more() throws {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw failure("receive") }
    received += buffer[..<count]
  }

  private func answer() throws -> (status: Int, body: Data) {
    let blank: [UInt8] = [13, 10, 13, 10]
    var end: Int?
    while end == nil {
      end = received.indices.dropLast(3).first { Array(received[$0..<$0 + 4]) == blank }
      if end == nil { try more() }
    }
    let headLength = end ?? 0
    let lines = String(decoding: received[..<headLength], as: UTF8.self).split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count > 1, let status = Int(words[1]) else { throw LabError("not an HTTP answer") }
    let length = lines.compactMap { line -> Int? in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
      return Int(parts[1].drop(while: { $0 == " " }))
    }.first
    guard let length else { throw LabError("an answer without Content-Length") }
    while received.count < headLength + 4 + length { try more() }
    let body = Data(received[(headLength + 4)..<(headLength + 4 + length)])
    received.removeFirst(headLength + 4 + length)
    return (status, body)
  }
}
