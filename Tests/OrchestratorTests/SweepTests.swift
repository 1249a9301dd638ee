import CoreTime
import DaemonKit
import GRPCSupport
import Logging
import NIOPosix
import OrderProtos
import OrderWire
import PeerCalls
import Testing

/// How a session looks after the calls whose time is over.
@Suite(.timeLimit(.minutes(1))) struct SweepTests {
  /// Each alarm that set another one anew made more and more of them, as long as a call was open.
  @Test func sweepsDoNotMultiply() async throws {
    let group = MultiThreadedEventLoopGroup.singleton
    let context = DaemonContext(
      process: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clocks: .system,
      heartbeats: Heartbeats(clocks: .system), eventLoopGroup: group)
    let alarms = Alarms(clocks: .system)
    let nowhere = try #require(NetworkEndpoint("127.0.0.1:1"))
    // Not connected yet: what is submitted waits.
    let session = PeerSession(
      try Peer(service: "order-queue", endpoint: nowhere, eventLoopGroup: group), wire: .queue,
      breaker: .init(failures: 1_000, pause: .seconds(1), longestPause: .seconds(1), probes: 1),
      alarms: alarms, context: context)
    let ringing = Task { try await alarms.run() }
    defer { ringing.cancel() }
    let call = Ordersd_V1_QueueCall.OneOf_Call.peek(.init())
    try session.submit(call, deadline: Clocks.system.now() + .seconds(600)) { _ in }
    for _ in 0..<30 {
      let (late, told) = AsyncStream.makeStream(of: Void.self)
      for milliseconds in [30, 20, 10] {
        try session.submit(call, deadline: Clocks.system.now() + .milliseconds(milliseconds)) { _ in
          told.yield()
        }
      }
      var ended = 0
      for await _ in late {
        ended += 1
        if ended == 3 { break }
      }
    }
    #expect(try await eventually { alarms.count <= 1 })
  }
}
