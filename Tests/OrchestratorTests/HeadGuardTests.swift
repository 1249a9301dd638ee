import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import Orchestrator

/// How long a connection lives.
@Suite struct HeadGuardTests {
  private static let head = HTTPRequestPart.head(
    HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/v1/orders:batch"))

  private func channel() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handler: HeadGuard())
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return channel
  }

  private func pass(_ time: TimeAmount, on channel: EmbeddedChannel) {
    channel.embeddedEventLoop.advanceTime(by: time)
  }

  @Test func oneWithoutARequestEnds() throws {
    let channel = try channel()
    pass(HeadGuard.silence - .seconds(1), on: channel)
    #expect(channel.isActive)
    pass(.seconds(1), on: channel)
    #expect(!channel.isActive)
  }

  /// A batch waits for its places for as long as it takes.
  @Test func oneThatIsAnsweredLives() throws {
    let channel = try channel()
    pass(HeadGuard.silence - .seconds(1), on: channel)
    try channel.writeInbound(Self.head)
    pass(.hours(1), on: channel)
    #expect(channel.isActive)
    try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
    pass(.hours(1), on: channel)
    #expect(channel.isActive)
    try channel.writeOutbound(HTTPResponsePart.end(nil))
    pass(HeadGuard.silence - .seconds(1), on: channel)
    #expect(channel.isActive)
    // Whatever else of the request comes keeps it no longer.
    try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "{")))
    pass(.seconds(1), on: channel)
    #expect(!channel.isActive)
  }
}
