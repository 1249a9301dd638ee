import Foundation
import Synchronization
import Testing

/// ordersctl and an orchestrator that goes away and comes back.
extension Integration {
  @Suite("Patience")
  struct PatienceTests {
    private static let id = "0192f3a1-0000-7000-8000-000000000000"

    private static func order(_ state: String) -> String { #"{"orderId": "\#(id)", "state": "\#(state)"}"# }

    private func ordersctl(_ server: String, _ arguments: String...) async throws -> ProgramResult {
      try await Programs.run(
        Programs.ordersctl, arguments + ["--server", server], environment: ["ORDERSD_SERVER": ""])
    }

    @Test("A submission whose answer is lost is repeated with the same key")
    func lostAnswer() async throws {
      let server = try ScriptedServer([.hangUp, .hangUp, .answer(201, Self.order("approved"))])
      let result = try await ordersctl(server.url, "submit", "examples/order.json")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains(Self.id))
      let keys = server.requests.map { $0.field("idempotency-key") }
      #expect(
        keys.count == 3 && Set(keys).count == 1 && keys.first.flatMap { $0 }?.isEmpty == false, "\(keys)")
    }

    @Test("A repeated submission is not said to have been made before")
    func ownReplay() async throws {
      let answer = ScriptedServer.Behaviour.answer(
        200, Self.order("approved"), ["Idempotency-Replayed: true"])
      let own = try ScriptedServer([.hangUp, answer])
      #expect(
        try await !ordersctl(own.url, "submit", "examples/order.json").errors.contains("submitted before"))
      let earlier = try ScriptedServer([answer])
      #expect(
        try await ordersctl(earlier.url, "submit", "examples/order.json").errors.contains("submitted before"))
    }

    @Test("A submission gives up after a few tries, and says with which key to go on")
    func noServer() async throws {
      let server = try ScriptedServer(Array(repeating: .hangUp, count: 20))
      let result = try await ordersctl(server.url, "submit", "examples/order.json")
      #expect(result.status == 5)
      let key = try #require(server.requests.first?.field("idempotency-key"))
      #expect(result.errors.contains("--idempotency-key \(key)"), "\(result.errors)")
      #expect((2...5).contains(server.requests.count), "\(server.requests.count)")

      let ports = try Ports.Offset()
      let closed = "http://127.0.0.1:\(8081 + ports.value)"
      let refused = try await ordersctl(closed, "submit", "examples/order.json", "--idempotency-key", "mine")
      #expect(refused.status == 5 && refused.errors.contains("--idempotency-key mine"), "\(refused.errors)")
      withExtendedLifetime(ports) {}
    }

    @Test("An answer that says no is not asked for again")
    func refusal() async throws {
      let problem = #"{"code": "invalid_argument", "detail": "no", "status": 422}"#
      let server = try ScriptedServer([.answer(422, problem), .answer(201, Self.order("approved"))])
      #expect(try await ordersctl(server.url, "submit", "examples/order.json").status == 64)
      #expect(server.requests.count == 1)
    }

    @Test("The time-out is of the whole answer, not of its head alone")
    func stalledAnswer() async throws {
      let line = #"{"line": 1, "status": 201, "orderId": "\#(Self.id)", "state": "approved"}"# + "\n"
      let server = try ScriptedServer([.stall(line), .stall(#"{"orderId": "#)])
      let batch = try await ordersctl(
        server.url, "submit", "--batch", "examples/orders.ndjson", "--timeout", "1s")
      #expect(batch.status == 6 && batch.errors.contains("did not answer in time"), "\(batch)")
      #expect(batch.output.contains(Self.id), "what came is shown")
      #expect(batch.errors.contains("--idempotency-key"))
      let single = try await ordersctl(server.url, "submit", "examples/order.json", "--timeout", "1s")
      #expect(single.status == 6 && single.errors.contains("did not answer in time"), "\(single)")
      #expect(server.requests.count == 2)
    }

    @Test("A reader that takes its time gets the whole answer, through a pipe that does not block, too")
    func slowReader() async throws {
      let long = String(repeating: "x", count: 300_000)
      let order = #"{"orderId": "\#(Self.id)", "state": "executed", "note": "\#(long)"}"#
      let server = try ScriptedServer([.answer(200, order)])
      // The pipe is full long before anybody reads.
      let script = """
        perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die; exec @ARGV' "$@" | { sleep 1; cat; }
        """
      let result = try await Programs.run(
        URL(fileURLWithPath: "/bin/sh"),
        [
          "-c", script, "sh", Programs.ordersctl.path, "get", Self.id, "-o", "json", "--server", server.url,
        ])
      #expect(result.output.contains(long), "\(result.output.utf8.count) bytes; \(result.errors)")
    }

    @Test("Waiting outlasts a server that is away for a while")
    func wait() async throws {
      let unavailable = ScriptedServer.Behaviour.answer(
        503, #"{"code": "unavailable", "detail": "stopping"}"#)
      let server = try ScriptedServer([
        .hangUp, .answer(200, Self.order("queued")), .hangUp, unavailable,
        .answer(200, Self.order("executed")),
      ])
      let result = try await ordersctl(server.url, "wait", Self.id, "--for", "executed", "--timeout", "20s")
      #expect(result.status == 0, "\(result.errors)")
      #expect(server.requests.count == 5)
    }

    @Test("Waiting ends at its time-out, and names the order")
    func waitGivesUp() async throws {
      let ports = try Ports.Offset()
      let closed = "http://127.0.0.1:\(8081 + ports.value)"
      let started = ContinuousClock.now
      let away = try await ordersctl(closed, "wait", Self.id, "--for", "executed", "--timeout", "1s")
      #expect(away.status == 5 && away.errors.contains(Self.id), "\(away.errors)")
      #expect(ContinuousClock.now - started >= .seconds(1))

      let server = try ScriptedServer(
        [.answer(201, Self.order("approved"))] + Array(repeating: .hangUp, count: 100))
      let result = try await ordersctl(
        server.url, "submit", "examples/order.json", "--wait", "executed", "--timeout", "2s")
      #expect(result.status == 5 && result.errors.contains(Self.id), "\(result.errors)")

      let unknown = try ScriptedServer([.answer(404, #"{"code": "not_found", "detail": "no such order"}"#)])
      let missing = try await ordersctl(unknown.url, "wait", Self.id, "--for", "executed")
      #expect(missing.errors.contains(Self.id) && unknown.requests.count == 1)
      withExtendedLifetime(ports) {}
    }
  }
}

/// An HTTP server that does with each connection what it was told to, one request a connection.
private final class ScriptedServer: Sendable {
  enum Behaviour: Sendable {
    /// Takes the request and closes the connection.
    case hangUp
    case answer(Int, String, [String] = [])
    /// Sends the head of an answer and the beginning of its body, and waits until the client has had enough.
    case stall(String)
  }

  struct Request: Sendable {
    let head: String

    func field(_ name: String) -> String? {
      head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }.map { line in
        String(line.dropFirst(name.count + 1).drop { $0 == " " })
      }
    }
  }

  let url: String
  private let holder: Ports.Holder
  private let received = Mutex<[Request]>([])

  var requests: [Request] { received.withLock { $0 } }

  init(_ script: [Behaviour]) throws {
    guard let holder = Ports.Holder(port: 0) else { throw IntegrationError("no port is free") }
    self.holder = holder
    url = "http://127.0.0.1:\(holder.port)"
    let descriptor = holder.descriptor
    let thread = Thread { [weak self] in
      for behaviour in script {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { return }
        let request = Self.read(connection)
        self?.received.withLock { $0.append(request) }
        switch behaviour {
        case .hangUp: break
        case .answer(let status, let body, let fields):
          let head = ["HTTP/1.1 \(status) X", "Content-Type: application/json", "Connection: close"] + fields
          let text = (head + ["Content-Length: \(body.utf8.count)", "", body]).joined(separator: "\r\n")
          _ = send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        case .stall(let start):
          let text = "HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n" + start
          _ = send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL))
          var rest = [UInt8](repeating: 0, count: 4_096)
          while recv(connection, &rest, rest.count, 0) > 0 {}
        }
        close(connection)
      }
    }
    thread.start()
  }

  /// A blocked accept(2) ends with the socket.
  deinit { shutdown(holder.descriptor, Int32(SHUT_RDWR)) }

  /// The whole request is taken, so that closing is no reset.
  private static func read(_ connection: Int32) -> Request {
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let end = Data("\r\n\r\n".utf8)
    while data.count < 1 << 20 {
      if let range = data.range(of: end) {
        let request = Request(head: String(decoding: data[..<range.lowerBound], as: UTF8.self))
        let length = request.field("content-length").flatMap { Int($0) } ?? 0
        if data.count - range.upperBound >= length { return request }
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      if count <= 0 { break }
      data.append(contentsOf: buffer[..<count])
    }
    return Request(head: String(decoding: data, as: UTF8.self))
  }
}
