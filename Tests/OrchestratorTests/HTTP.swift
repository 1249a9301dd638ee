import NIOCore
import NIOPosix
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// One HTTP/1.1 exchange on a connection of its own (RFC 9112), without a client library between it and the server.
struct HTTPReply: Sendable {
  let status: Int
  /// Names in lower case.
  let headers: [String: String]
  let body: String

  func json() throws -> JSON { try JSONDecoder().decode(JSON.self, from: Data(body.utf8)) }

  init?(_ bytes: [UInt8]) {
    guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    var lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
    let first = lines.removeFirst().split(separator: " ")
    guard first.count >= 2, let status = Int(first[1]) else { return nil }
    self.status = status
    headers = Dictionary(
      lines.compactMap { line in
        line.firstIndex(of: ":").map { colon in
          (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
      }, uniquingKeysWith: { "\($0), \($1)" })
    let rest = Array(bytes[end.upperBound...])
    body = String(decoding: headers["transfer-encoding"] == "chunked" ? dechunk(rest) : rest, as: UTF8.self)
  }
}

/// The chunks that are there so far (RFC 9112 §7.1).
private func dechunk(_ bytes: [UInt8]) -> [UInt8] {
  var content: [UInt8] = []
  var rest = bytes[...]
  while let end = rest.firstRange(of: Array("\r\n".utf8)),
    let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16), size > 0
  {
    let chunk = rest[end.upperBound...]
    guard chunk.count >= size else { break }
    content += chunk.prefix(size)
    rest = chunk.dropFirst(size + 2)
  }
  return content
}

struct HTTPEndpoint: Sendable {
  let host: String
  let port: Int

  /// Reads until the server ends the exchange, or `enough` says so of what has come.
  func exchange(
    _ method: String, _ path: String, _ headers: [String: String] = [:], body: String? = nil,
    until enough: @escaping @Sendable (HTTPReply) -> Bool = { _ in false }
  ) async throws -> HTTPReply {
    var request = "\(method) \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nConnection: close\r\n"
    for (name, value) in headers { request += "\(name): \(value)\r\n" }
    if let body { request += "Content-Length: \(body.utf8.count)\r\n" }
    request += "\r\n" + (body ?? "")
    let text = request
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(host: host, port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let bytes = try await channel.executeThenClose { inbound, outbound -> [UInt8] in
      var bytes: [UInt8] = []
      do {
        try await outbound.write(ByteBuffer(string: text))
        for try await chunk in inbound {
          bytes += chunk.readableBytesView
          if let reply = HTTPReply(bytes), enough(reply) { break }
        }
      } catch is IOError {
        // A server that refuses a body need not read it to its end; what it said before counts.
      }
      return bytes
    }
    return try #require(HTTPReply(bytes), "\(method) \(path) was not answered")
  }

  func get(_ path: String, _ headers: [String: String] = [:]) async throws -> HTTPReply {
    try await exchange("GET", path, headers)
  }

  /// Submits an order.
  func post(
    _ body: String, key: String? = nil, type: String? = "application/json"
  ) async throws -> HTTPReply {
    var headers: [String: String] = [:]
    headers["Content-Type"] = type
    headers["Idempotency-Key"] = key
    return try await exchange("POST", "/v1/orders", headers, body: body)
  }
}

/// A JSON document, for looking into.
enum JSON: Decodable, Sendable, Hashable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([JSON])
  case object([String: JSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSON].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSON].self))
    }
  }

  subscript(name: String) -> JSON {
    if case .object(let members) = self { members[name] ?? .null } else { .null }
  }

  subscript(index: Int) -> JSON { index < list.count ? list[index] : .null }

  var list: [JSON] { if case .list(let elements) = self { elements } else { [] } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var number: Double? { if case .number(let number) = self { number } else { nil } }
  var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
}
