import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import OrderWire

/// Answers a request whose head cannot be read, or is too large, with a problem like any other, and closes the
/// connection: what comes after it could be anything.
///
/// Ends a connection on which no request begins, too. While one is answered, its body is watched by whoever reads it
/// (`WholeBody`, `BatchRun`), and nothing but its own end ends it.
///
/// Sits behind the HTTP decoder of each connection. A half-closed connection is the server's own to end.
final class HeadGuard: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// Bytes of the name or the value of one field; of all together; and how many fields.
  static let fieldSize = 16 << 10
  static let headerSize = 32 << 10
  static let fields = 100
  /// From the end of one answer, or the beginning of the connection, to the end of the next request's head.
  static let silence = TimeAmount.seconds(30)
  /// For the client to take the answer and close.
  private static let farewell = TimeAmount.seconds(1)

  /// Requests whose answers are not complete: nothing may be written between them.
  private var open = 0
  private var ending: Scheduled<Void>?

  func handlerAdded(context: ChannelHandlerContext) { awaitHead(context) }

  func handlerRemoved(context: ChannelHandlerContext) { ending?.cancel() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .head = unwrapInboundIn(data) {
      open += 1
      ending?.cancel()
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      open -= 1
      if open == 0 { awaitHead(context) }
    }
    context.write(data, promise: promise)
  }

  private func awaitHead(_ context: ChannelHandlerContext) {
    let channel = context.channel
    ending = channel.eventLoop.scheduleTask(in: Self.silence) { channel.close(mode: .all, promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError, open == 0 else {
      context.fireErrorCaught(error)
      return
    }
    let isTooLarge = error == .headerOverflow
    let problem = Problem(
      isTooLarge
        ? ServiceError(
          .headersTooLarge,
          "the head of the request is too large; it may have \(Self.fields) fields and \(Self.headerSize) bytes, "
            + "\(Self.fieldSize) in one value")
        : ServiceError(.malformedBody, "the request is not HTTP/1.1 that can be read"))
    do {
      let body = ByteBuffer(bytes: try JSONBody.encode(problem))
      let head = HTTPResponse(
        status: .init(code: problem.status),
        headerFields: [
          .contentType: Problem.mediaType, .contentLength: String(body.readableBytes), .connection: "close",
        ])
      context.write(wrapOutboundOut(.head(head)), promise: nil)
      context.write(wrapOutboundOut(.body(body)), promise: nil)
      let channel = context.channel
      context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
        // A close with bytes unread would reset the connection, and the client might lose the answer.
        channel.close(mode: .output, promise: nil)
        channel.eventLoop.scheduleTask(in: Self.farewell) { channel.close(mode: .all, promise: nil) }
      }
    } catch {
      context.close(promise: nil)
    }
  }
}
