import CoreTime
import JournalLog
import Logging
import NIOCore
import NIOPosix
import Synchronization
import SystemdSupport
import Testing
import WatchdogKit

@testable import DaemonKit

@Suite struct WatchdogJudgeTests {
  private static let period = Duration.seconds(2)

  @Test func aStallIsToldOnceWhenItBeginsAndOnceWhenItIsOver() {
    var judge = WatchdogJudge(period: Self.period)
    #expect(judge.turn([], now: .at(.seconds(0))) == .init(mayPing: true))
    #expect(
      judge.turn(["a (silent for 4s)"], now: .at(.seconds(2)))
        == .init(problem: "stalled: a (silent for 4s)", news: .stalled("a (silent for 4s)")))
    #expect(
      judge.turn(["a (silent for 6s)", "b (silent for 9s)"], now: .at(.seconds(4)))
        == .init(problem: "stalled: a (silent for 6s), b (silent for 9s)"))
    #expect(judge.turn([], now: .at(.seconds(6))) == .init(mayPing: true, news: .turning))
    #expect(judge.turn([], now: .at(.seconds(8))) == .init(mayPing: true))
  }

  @Test func aPauseOfTheWholeProcessIsNoStallOfALoop() {
    var judge = WatchdogJudge(period: Self.period)
    _ = judge.turn([], now: .at(.seconds(0)))
    #expect(judge.turn(["a (silent for 60s)"], now: .at(.seconds(60))) == .init(isPutOff: true))
    #expect(judge.turn([], now: .at(.seconds(61))) == .init(mayPing: true))
  }

  @Test func aLoopThatDoesNotComeRoundAfterAPauseIsNamed() {
    var judge = WatchdogJudge(period: Self.period)
    _ = judge.turn([], now: .at(.seconds(0)))
    _ = judge.turn(["a (silent for 60s)"], now: .at(.seconds(60)))
    #expect(judge.turn(["a (silent for 61s)"], now: .at(.seconds(61))).problem != nil)
  }
}

@Suite struct WatchdogTests {
  /// What the service manager and the journal were told, in order.
  private final class Told: Sendable {
    enum Word: Equatable {
      case notified(ServiceManager.Notification)
      case logged(String)
    }

    private let words = Mutex<[Word]>([])

    var all: [Word] { words.withLock { $0 } }
    /// Status lines of a stall.
    var stalls: [String] {
      all.compactMap {
        if case .notified(.status(let line)) = $0, line.hasPrefix("stalled: ") { line } else { nil }
      }
    }
    func append(_ word: Word) { words.withLock { $0.append(word) } }
  }

  private struct Handler: LogHandler {
    let told: Told
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { told.append(.logged("\(event.message)")) }
  }

  private static let isStalled = DaemonEvent.loopStalled.definition.sentence

  /// Every task of the process runs on the one loop that is blocked.
  @Test func theOnlyEventLoopIsNamedAndGetsNoPing() async throws {
    let told = Told()
    let loops = WatchedLoops()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let pinger = WatchdogPinger(
      heartbeats: loops.heartbeats, logger: Logger(label: "test") { _ in Handler(told: told) },
      period: .milliseconds(20), status: { "all is well" },
      notify: { notification in
        told.append(.notified(notification))
        return true
      })
    let beats = EventLoopHeartbeats(group: group, heartbeats: loops.heartbeats)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        try await withTaskExecutorPreference(EventLoopTasks(group: group)) {
          async let pinging: Void = pinger.run()
          async let beating: Void = beats.run()
          _ = try await (pinging, beating)
        }
      }
      let isWell = try await WatchedLoops.eventually { told.all.contains(.notified(.status("all is well"))) }
      #expect(isWell)
      #expect(told.all.contains(.notified(.watchdog)))

      #expect(try await WatchedLoops.eventually { loops.heartbeats.wedge("event-loop-0") })
      defer { loops.heartbeats.release("event-loop-0") }
      #expect(try await WatchedLoops.eventually { loops.heartbeats.isHeldUp("event-loop-0") })
      loops.letTimePass()
      #expect(try await WatchedLoops.eventually { told.all.contains(.logged(Self.isStalled)) })
      // Several periods: it is shown how long it lasts.
      #expect(try await WatchedLoops.eventually { told.stalls.count > 1 })
      let first = try #require(told.stalls.first)
      #expect(told.stalls.allSatisfy { $0.hasPrefix("stalled: event-loop-0 (silent for 36") })
      let named = try #require(told.all.firstIndex(of: .notified(.status(first))))
      #expect(!told.all[named...].contains(.notified(.watchdog)))
      #expect(told.all.count { $0 == .logged(Self.isStalled) } == 1)

      loops.heartbeats.release("event-loop-0")
      #expect(try await WatchedLoops.eventually { told.all.last == .notified(.watchdog) })
      #expect(told.all.contains(.logged(DaemonEvent.loopsTurn.definition.sentence)))
      tasks.cancelAll()
    }
    try await group.shutdownGracefully()
  }

  @Test(arguments: 0..<2) func eachEventLoopIsNamedByItself(_ number: Int) async throws {
    let loops = WatchedLoops()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let beats = EventLoopHeartbeats(group: group, heartbeats: loops.heartbeats)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await beats.run() }
      #expect(try await WatchedLoops.eventually { loops.heartbeats.names.count == 2 })
      let missed = try await loops.missed(wedging: "event-loop-\(number)")
      #expect(missed == ["event-loop-\(number)"])
      #expect(try await loops.allTurn())
      tasks.cancelAll()
    }
    try await group.shutdownGracefully()
  }

  @Test func aLoopThatWaitsForWorkIsNotMissedUntilItHasSome() {
    let loops = WatchedLoops()
    let loop = loops.heartbeats.register("writer", longestSilence: .seconds(5), idle: true)
    loops.letTimePass()
    #expect(loops.missed.isEmpty)
    loop.beat()
    loops.letTimePass()
    #expect(loops.missed == ["writer"])
    loop.idle()
    #expect(loops.missed.isEmpty)
    loop.retire()
    #expect(!loops.heartbeats.wedge("writer"))
  }

  @Test func faultHooksAreRefusedWhereOthersReachThem() throws {
    let heartbeats = WatchedLoops().heartbeats
    func hooks(_ host: String) throws {
      _ = try FaultHooks(
        admin: NetworkEndpoint(host: host, port: 1), heartbeats: heartbeats, logger: Logger(label: "test"))
    }
    try hooks("127.0.0.1")
    #expect(throws: ConfigurationError.self) { try hooks("0.0.0.0") }
    #expect(throws: ConfigurationError.self) { try hooks("192.0.2.1") }
  }
}
