package import NIOCore

/// A datagram as it came in.
package struct Datagram: Sendable {
  package var bytes: [UInt8]
  package var from: SocketAddress

  package init(bytes: [UInt8], from: SocketAddress) {
    self.bytes = bytes
    self.from = from
  }
}

/// Puts datagrams into the bounded buffer. Neither a datagram nor an error ends it.
final class InboundHandler: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let continuation: AsyncStream<Datagram>.Continuation
  private let counters: CounterBox
  private let maximumLength: Int
  private let onDatagram: @Sendable ([UInt8]) -> Void

  /// `onDatagram` sees every datagram that is not too long, also one that the buffer has no room for.
  init(
    continuation: AsyncStream<Datagram>.Continuation, counters: CounterBox, maximumLength: Int,
    onDatagram: @escaping @Sendable ([UInt8]) -> Void
  ) {
    self.continuation = continuation
    self.counters = counters
    self.maximumLength = maximumLength
    self.onDatagram = onDatagram
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    guard envelope.data.readableBytes <= maximumLength else { return counters.count(\.oversized) }
    let datagram = Datagram(bytes: Array(envelope.data.readableBytesView), from: envelope.remoteAddress)
    onDatagram(datagram.bytes)
    switch continuation.yield(datagram) {
    case .enqueued: counters.count(\.received)
    case .dropped:
      // The newest was taken, the oldest given up: old heartbeats are worth least.
      counters.count(\.received)
      counters.count(\.overrun)
    case .terminated: break
    @unknown default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { counters.count(\.socketErrors) }
}
