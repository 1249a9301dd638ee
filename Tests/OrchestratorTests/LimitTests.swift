import NIOCore
import NIOPosix
import Testing

@testable import Orchestrator

/// What a client may ask of a connection, and how the other methods are answered.
@Suite(.timeLimit(.minutes(2))) struct LimitTests {
  /// Sends `text` as it is; returns what comes until the server ends it.
  private func raw(_ shop: Shop, _ text: String) async throws -> HTTPReply {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(host: shop.http.host, port: shop.http.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    let bytes = try await channel.executeThenClose { inbound, outbound -> [UInt8] in
      var bytes: [UInt8] = []
      do {
        try await outbound.write(ByteBuffer(string: text))
        for try await chunk in inbound { bytes += chunk.readableBytesView }
      } catch is IOError {
        // The server need not read to the end what it refuses.
      }
      return bytes
    }
    return try #require(HTTPReply(bytes), "no answer")
  }

  @Test func aHeadThatIsTooLargeIsAProblem() async throws {
    try await withShop { shop, _ in
      let start = "GET /v1/status HTTP/1.1\r\nHost: x\r\n"
      for fields in [
        "X-Long: " + String(repeating: "a", count: HeadGuard.fieldSize + 1) + "\r\n",
        (0...HeadGuard.fields).map { "X-\($0): a\r\n" }.joined(),
        (0..<4).map { "X-\($0): " + String(repeating: "a", count: 10_000) + "\r\n" }.joined(),
      ] {
        let reply = try await raw(shop, start + fields + "\r\n")
        #expect(reply.status == 431 && reply.headers["content-type"] == "application/problem+json")
        #expect(
          try reply.json()["code"].text == "headers_too_large" && reply.headers["connection"] == "close")
      }
    }
  }

  @Test func whatIsNotHTTPIsAProblem() async throws {
    try await withShop { shop, _ in
      for text in ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"] {
        let reply = try await raw(shop, text)
        #expect(reply.status == 400, "\(text)")
        #expect(try reply.json()["code"].text == "malformed_body")
      }
      // The error comes behind a request that is answered as ever.
      let reply = try await raw(shop, "GET /page.svg HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n")
      #expect([200, 400].contains(reply.status))
      #expect(try await shop.http.get("/v1/status").status == 200)
    }
  }

  @Test func everyPathTellsItsMethods() async throws {
    try await withShop { shop, _ in
      let id = try await shop.submit()
      for (path, allow) in [
        ("/v1/orders", "POST, GET, HEAD"), ("/v1/orders:batch", "POST"), ("/v1/orders/\(id)", "GET, HEAD"),
        ("/v1/orders/\(id)/cancel", "POST"), ("/v1/orders/\(id)/causality", "GET, HEAD"),
        ("/v1/events", "GET, HEAD"),
        ("/v1/openapi.yaml", "GET, HEAD"), ("/", "GET, HEAD"),
      ] {
        let options = try await shop.http.exchange("OPTIONS", path)
        #expect(options.status == 204 && options.headers["allow"] == "\(allow), OPTIONS", "\(path)")
        for method in ["DELETE", "PATCH", "TRACE"] {
          let reply = try await shop.http.exchange(method, path)
          #expect(reply.status == 405 && reply.headers["allow"] == allow, "\(method) \(path)")
          #expect(try reply.json()["code"].text == "method_not_allowed")
        }
        guard allow.contains("GET") else { continue }
        let head = try await shop.http.exchange("HEAD", path)
        #expect(head.status == 200 && head.body.isEmpty, "\(path)")
        // A stream of events has no length.
        guard path != "/v1/events" else { continue }
        let whole = try await shop.http.get(path).headers["content-length"]
        #expect(whole != nil && head.headers["content-length"] == whole, "\(path)")
      }
      #expect(try await shop.http.exchange("OPTIONS", "/v1/nothing").status == 404)
    }
  }
}
