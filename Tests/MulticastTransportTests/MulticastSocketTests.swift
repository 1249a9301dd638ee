import Dispatch
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MulticastTransport

@Suite(.timeLimit(.minutes(1))) struct MulticastSocketTests {
  private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private func configuration(
    _ mode: TransportConfiguration.Mode, buffer: Int
  ) -> TransportConfiguration {
    var configuration = TransportConfiguration(mode: mode)
    configuration.inboundBuffer = buffer
    return configuration
  }

  private func multicast(port: Int, group: String = "239.255.77.78") -> TransportConfiguration.Mode {
    .multicast(group: group, port: port, interface: "127.0.0.1")
  }

  private func open(
    _ mode: TransportConfiguration.Mode, buffer: Int = 1_024
  ) async throws -> MulticastSocket {
    try await MulticastSocket.open(
      configuration: configuration(mode, buffer: buffer),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
  }

  private func first(_ socket: MulticastSocket) async -> [UInt8]? {
    var iterator = socket.inbound.makeAsyncIterator()
    return await iterator.next()?.bytes
  }

  /// Waits until `condition` holds; the suite's time limit is the deadline.
  private func wait(_ condition: () -> Bool) async throws {
    while !condition() { try await Task.sleep(for: .milliseconds(2)) }
  }

  private func knowsAllPeers(_ socket: MulticastSocket) -> Bool {
    socket.link.withLock { link in link.destinations.allSatisfy { $0 != nil } }
  }

  @Test func twoSocketsOnOnePortHearEachOther() async throws {
    let port = Int.random(in: 20_000...29_999)
    let (one, two) = (try await open(multicast(port: port)), try await open(multicast(port: port)))
    one.send([1, 2, 3])
    #expect(await first(two) == [1, 2, 3])
    #expect(await first(one) == [1, 2, 3], "its own datagrams come back")
    try await wait { one.counters.sent == 1 }
    await one.close()
    await two.close()
  }

  @Test func anOversizedDatagramIsCountedAndTheNextOneHeard() async throws {
    let socket = try await open(multicast(port: Int.random(in: 30_000...32_000)))
    socket.send(Array(repeating: 9, count: 600))
    socket.send(Array(repeating: 9, count: 5_000))
    socket.send(Array(repeating: 7, count: 512))
    #expect(await first(socket)?.count == 512)
    #expect(socket.counters.oversized == 2)
    #expect(socket.counters.received == 1)
    await socket.close()
  }

  @Test func otherGroupsOnThePortAreNotHeard() async throws {
    let port = Int.random(in: 33_000...39_999)
    let one = try await open(multicast(port: port))
    let other = try await open(multicast(port: port, group: "239.255.77.79"))
    one.send([1])
    other.send([2])
    #expect(await first(other) == [2])
    #expect(await first(one) == [1])
    #expect(one.counters.received == 1)
    await one.close()
    await other.close()
  }

  @Test func aFullBufferDropsTheOldest() async throws {
    let socket = try await open(multicast(port: Int.random(in: 40_000...44_999)), buffer: 2)
    for byte in UInt8(1)...5 { socket.send([byte]) }
    try await wait { socket.counters.received == 5 }
    #expect(socket.counters.overrun == 3)
    #expect(await first(socket) == [4])
    await socket.close()
  }

  @Test func aLostSocketIsOpenedAgain() async throws {
    let socket = try await open(multicast(port: Int.random(in: 45_000...49_999)))
    socket.loseChannelForTest()
    try await wait { socket.counters.reopened == 1 && socket.localAddress != nil }
    socket.send([5])
    #expect(await first(socket) == [5])
    await socket.close()
  }

  @Test func closeEndsInboundAndSendingAfterwardsOnlyCounts() async throws {
    let socket = try await open(multicast(port: Int.random(in: 50_000...54_999)))
    await socket.close()
    await socket.close()
    #expect(await first(socket) == nil)
    socket.send([1])
    #expect(socket.counters.sendFailures == 1)
  }

  @Test func unicastReachesEveryPeer() async throws {
    let nobody = TransportConfiguration.Peer(host: "127.0.0.1", port: 9)
    let two = try await open(.unicast(bindHost: "127.0.0.1", port: 0, peers: [nobody]))
    let three = try await open(.unicast(bindHost: "127.0.0.1", port: 0, peers: [nobody]))
    let ports = [try #require(two.localAddress?.port), try #require(three.localAddress?.port)]
    let peers = ports.map { TransportConfiguration.Peer(host: "localhost", port: $0) }
    let one = try await open(.unicast(bindHost: "127.0.0.1", port: 0, peers: [nobody] + peers))
    try await wait { knowsAllPeers(one) }
    // A peer that refuses (ICMP) must not keep the others from being reached, now or later.
    for _ in 0..<3 { one.send([6]) }
    #expect(await first(two) == [6])
    #expect(await first(three) == [6])
    for socket in [one, two, three] { await socket.close() }
  }

  @Test func aResolverThatIsSilentHoldsNeitherOpeningNorOtherPeersUp() async throws {
    let nobody = TransportConfiguration.Peer(host: "127.0.0.1", port: 9)
    let two = try await open(.unicast(bindHost: "127.0.0.1", port: 0, peers: [nobody]))
    let port = try #require(two.localAddress?.port)
    let peers: [TransportConfiguration.Peer] = [
      .init(host: "executor-9", port: 9), .init(host: "127.0.0.1", port: port),
    ]
    let answers = DispatchSemaphore(value: 0)
    let one = try await MulticastSocket.open(
      configuration: configuration(.unicast(bindHost: "127.0.0.1", port: 0, peers: peers), buffer: 16),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger
    ) { peer in
      answers.wait()
      answers.signal()
      return try SocketAddress(ipAddress: "127.0.0.1", port: peer.port)
    }
    one.send([6])
    #expect(await first(two) == [6])
    #expect(one.counters.sendFailures == 1, "the other one is not known yet")
    answers.signal()
    try await wait { knowsAllPeers(one) }
    for socket in [one, two] { await socket.close() }
  }

  @Test func openingSaysWhatIsWrong() async throws {
    await #expect {
      _ = try await open(.multicast(group: "10.0.0.1", port: 0, interface: "10.0.0"))
    } throws: { error in
      let text = "\(error)"
      return ["group \"10.0.0.1\"", "port 0", "interface \"10.0.0\""].allSatisfy { text.contains($0) }
    }
    await #expect {
      _ = try await open(.multicast(group: "239.255.77.78", port: 20_001, interface: "192.0.2.1"))
    } throws: { ($0 as? TransportError)?.code == .cannotJoin }
    let nobody = TransportConfiguration.Peer(host: "127.0.0.1", port: 9)
    let taken = try await open(.unicast(bindHost: "127.0.0.1", port: 0, peers: [nobody]))
    let port = try #require(taken.localAddress?.port)
    await #expect {
      _ = try await open(.unicast(bindHost: "127.0.0.1", port: port, peers: [nobody]))
    } throws: { ($0 as? TransportError)?.code == .cannotBind }
    await taken.close()
  }

  @Test func peersAreParsed() {
    #expect(TransportConfiguration.Peer("host-1:50060") == .init(host: "host-1", port: 50_060))
    #expect(TransportConfiguration.Peer("[::1]:7") == .init(host: "::1", port: 7))
    for bad in ["", ":1", "host", "host:", "host:0", "host:65536", "::1:7", "host:x"] {
      #expect(TransportConfiguration.Peer(bad) == nil, "\(bad)")
    }
  }

  @Test func interfaceByItsName() async throws {
    let port = Int.random(in: 20_000...30_000)
    let named = try await open(.multicast(group: "239.255.77.78", port: port, interface: "lo"))
    let addressed = try await open(multicast(port: port))
    named.send([1, 2, 3])
    #expect(await first(addressed) == [1, 2, 3])
    await named.close()
    await addressed.close()
    await #expect(throws: TransportError.self) {
      _ = try await open(.multicast(group: "239.255.77.78", port: port, interface: "nosuch0"))
    }
  }
}
