package import Logging
package import NIOCore
import NIOPosix
import Synchronization

/// The UDP socket of the election: datagrams in and out, and nothing about what they mean.
///
/// Nothing that comes in ends it. When the kernel takes the socket away, or leaves it deaf and mute because
/// its interface is gone (`EchoWatch`), it is opened again, with growing pauses, until `close`.
package final class MulticastSocket: Sendable {
  package let configuration: TransportConfiguration
  /// What came in, for one consumer. Ends with `close` or when the consumer's task is cancelled.
  package let inbound: AsyncStream<Datagram>

  /// Finds a peer's address. May take long.
  typealias Resolver = @Sendable (TransportConfiguration.Peer) throws -> SocketAddress

  struct Link {
    var channel: (any Channel)?
    /// One for each peer, `nil` while its name is not known.
    var destinations: [SocketAddress?] = []
    var closing = false
    var watch: EchoWatch
    /// Of this channel, when last asked.
    var kernelDrops: UInt32 = 0
  }

  private static let receiveBuffer = 2_048
  private static let firstPause = TimeAmount.milliseconds(100)
  private static let longestPause = TimeAmount.seconds(5)
  private static let lookUpPause = TimeAmount.seconds(5)

  let link: Mutex<Link>
  let loop: any EventLoop
  private let continuation: AsyncStream<Datagram>.Continuation
  private let resolve: Resolver
  let counterBox = CounterBox()
  let logger: Logger

  private init(
    configuration: TransportConfiguration, loop: any EventLoop, logger: Logger, resolve: @escaping Resolver
  ) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
    self.resolve = resolve
    link = Mutex(Link(watch: EchoWatch(hasEcho: configuration.mode.hasEcho)))
    (inbound, continuation) = AsyncStream.makeStream(
      bufferingPolicy: .bufferingNewest(configuration.inboundBuffer))
  }

  /// Opens the socket; when this returns, datagrams are heard, and sent to all but the peers whose names have
  /// yet to be looked up. Throws `TransportError`.
  package static func open(
    configuration: TransportConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger
  ) async throws -> MulticastSocket {
    try await open(configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger) { peer in
      try SocketAddress.makeAddressResolvingHost(peer.host, port: peer.port)
    }
  }

  static func open(
    configuration: TransportConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger,
    resolve: @escaping Resolver
  ) async throws -> MulticastSocket {
    let problems = configuration.problems
    guard problems.isEmpty else {
      throw TransportError(code: .invalidConfiguration, message: problems.joined(separator: "; "))
    }
    let socket = MulticastSocket(
      configuration: configuration, loop: eventLoopGroup.next(), logger: logger, resolve: resolve)
    let destinations = try socket.literalDestinations()
    socket.link.withLock { $0.destinations = destinations }
    let channel = try await socket.bind().get()
    socket.attach(channel)
    if destinations.contains(where: { $0 == nil }) { socket.keepLookingUp() }
    socket.keepMeasuring()
    return socket
  }

  package var counters: TransportCounters { counterBox.values }

  /// The address bound to, `nil` while the socket is being opened again.
  package var localAddress: SocketAddress? { link.withLock { $0.channel }?.localAddress }

  /// Sends to the group or to each peer. Never fails towards the caller: like the network, it may lose a
  /// datagram.
  package func send(_ bytes: [UInt8]) {
    let (channel, destinations) = link.withLock { ($0.channel, $0.destinations) }
    guard let channel, channel.isWritable else { return counterBox.count(\.sendFailures) }
    for destination in destinations {
      guard let destination else {
        counterBox.count(\.sendFailures)
        continue
      }
      let envelope = AddressedEnvelope(remoteAddress: destination, data: ByteBuffer(bytes: bytes))
      channel.writeAndFlush(envelope).whenComplete { [weak self] result in
        self?.written(bytes, to: channel, result)
      }
    }
  }

  /// Closes the socket and ends `inbound`. Returns when what was sent before has left. Repeating it is
  /// harmless.
  package func close() async {
    let channel = link.withLock { link in
      link.closing = true
      defer { link.channel = nil }
      return link.channel
    }
    continuation.finish()
    guard let channel else { return }
    // The only error is that it is closed already.
    channel.close(promise: nil)
    try? await channel.closeFuture.get()
  }

  /// Takes the channel away as an error of the kernel would.
  func loseChannelForTest() { link.withLock { $0.channel }?.close(promise: nil) }

  private func bind() -> EventLoopFuture<any Channel> {
    let handler = InboundHandler(
      continuation: continuation, counters: counterBox, maximumLength: configuration.maximumLength
    ) { [weak self] bytes in self?.heard(bytes) }
    let bootstrap = DatagramBootstrap(group: loop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.receiveBuffer))
      .channelInitializer { $0.pipeline.addHandler(handler) }
    switch configuration.mode {
    case .multicast(let group, let port, let interface):
      guard let groupAddress = IPv4(group) else {
        return loop.makeFailedFuture(
          TransportError(code: .invalidConfiguration, message: "not an IPv4 address"))
      }
      let pinned: IPv4
      do { pinned = try InterfaceAddress.resolve(interface) } catch { return loop.makeFailedFuture(error) }
      // Bound to the group, not to 0.0.0.0: unicast and other groups on this port are not for it. Several
      // executors share the port on one host.
      let shared = bootstrap.channelOption(.socketOption(.so_reuseaddr), value: 1)
      return named(shared.bind(host: group, port: port), "\(group):\(port)").flatMap { channel in
        MulticastOptions.apply(to: channel, group: groupAddress, interface: pinned).map { channel }
          .flatMapError { error in channel.close().flatMapThrowing { throw error } }
      }
    case .unicast(let host, let port, _):
      return named(bootstrap.bind(host: host, port: port), "\(host):\(port)")
    }
  }

  private func named(
    _ binding: EventLoopFuture<any Channel>, _ address: String
  ) -> EventLoopFuture<any Channel> {
    binding.flatMapErrorThrowing { error in
      throw TransportError(code: .cannotBind, message: "cannot bind UDP \(address)", cause: error)
    }
  }

  private func attach(_ channel: any Channel) {
    let wanted = link.withLock { link in
      if !link.closing { link.channel = channel }
      link.kernelDrops = 0
      return !link.closing
    }
    guard wanted else { return channel.close(promise: nil) }
    channel.closeFuture.whenComplete { [weak self] _ in self?.channelLost() }
  }

  private func channelLost() {
    let closing = link.withLock { link in
      link.channel = nil
      link.watch.lost()
      return link.closing
    }
    guard !closing else { return }
    logger.debug("The election socket was lost and is opened again")
    reopen(after: Self.firstPause)
  }

  private func reopen(after pause: TimeAmount) {
    loop.scheduleTask(in: pause) { [weak self] in
      guard let self, !self.link.withLock({ $0.closing }) else { return }
      self.bind().whenComplete { [weak self] result in
        switch result {
        case .success(let channel):
          guard let self else { return channel.close(promise: nil) }
          self.counterBox.count(\.reopened)
          self.attach(channel)
        case .failure(let error):
          self?.counterBox.count(\.socketErrors)
          self?.logger.debug(
            "The election socket cannot be opened again yet", metadata: ["error": "\(error)"])
          self?.reopen(after: min(TimeAmount.nanoseconds(pause.nanoseconds * 2), Self.longestPause))
        }
      }
    }
  }

  // MARK: Peers

  /// What needs no look-up; `nil` for each peer that has a name.
  private func literalDestinations() throws -> [SocketAddress?] {
    switch configuration.mode {
    case .multicast(let group, let port, _): [try SocketAddress(ipAddress: group, port: port)]
    case .unicast(_, _, let peers): peers.map { try? SocketAddress(ipAddress: $0.host, port: $0.port) }
    }
  }

  /// Looks names up at once and then every few seconds, off the event loop. A name that is not known (any
  /// more) keeps the address it had.
  private func keepLookingUp() {
    guard case .unicast(_, _, let peers) = configuration.mode else { return }
    let looked = NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [weak self, resolve] () -> Void in
      for (index, peer) in peers.enumerated() {
        // Asked for again soon.
        guard let address = try? resolve(peer) else { continue }
        self?.link.withLock { $0.destinations[index] = address }
      }
    }
    looked.whenComplete { [weak self] _ in self?.lookUpAgain() }
  }

  private func lookUpAgain() {
    loop.scheduleTask(in: Self.lookUpPause) { [weak self] in
      guard let self, !self.link.withLock({ $0.closing }) else { return }
      self.keepLookingUp()
    }
  }
}
