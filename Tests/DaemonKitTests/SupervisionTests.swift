import CoreTime
import DaemonKit
import Testing

@Suite struct ChildSupervisionTests {
  private static let ready = NotifyMessage(datagram: Array("READY=1\nSTATUS=listening".utf8))
  private static let alive = NotifyMessage(datagram: Array("WATCHDOG=1".utf8))

  /// A child that has been ready since `at`.
  private func readyChild(at: Instant = .zero) -> ChildSupervision {
    var child = ChildSupervision()
    _ = child.step(.launch, now: at)
    _ = child.step(.started(pid: 7), now: at)
    _ = child.step(.notified(Self.ready), now: at)
    return child
  }

  /// A tick each second; what came of them.
  private func tick(
    _ child: inout ChildSupervision, _ seconds: ClosedRange<Int>
  ) -> [ChildSupervision.Effect] {
    seconds.flatMap { child.step(.tick, now: .at(.seconds($0))) }
  }

  @Test func aChildIsStartedAndBecomesReadyOnItsOwnWord() {
    var child = ChildSupervision()
    #expect(child.step(.launch, now: .zero) == [.spawn])
    #expect(child.step(.started(pid: 7), now: .at(.milliseconds(5))).isEmpty)
    #expect(!child.isReady)
    #expect(child.step(.notified(Self.alive), now: .at(.milliseconds(6))).isEmpty)
    #expect(!child.isReady)
    let effects = child.step(.notified(Self.ready), now: .at(.milliseconds(125)))
    #expect(effects == [.becameReady(pid: 7, after: .milliseconds(120))])
    #expect(child.isReady && child.pid == 7)
  }

  @Test(arguments: [ExitReason.exited(0), .exited(1), .killed(signal: 9), .notStarted("no such file")])
  func aChildThatEndsBeforeItWasEverReadyIsGivenUp(reason: ExitReason) {
    var child = ChildSupervision()
    _ = child.step(.launch, now: .zero)
    if case .notStarted = reason {} else { _ = child.step(.started(pid: 7), now: .zero) }
    #expect(child.step(.exited(reason), now: .at(.seconds(1))) == [.gaveUp(.exited(reason))])
    #expect(child.isGone)
  }

  @Test func aChildThatIsNotReadyInTimeIsKilledAndGivenUp() {
    var child = ChildSupervision()
    _ = child.step(.launch, now: .zero)
    _ = child.step(.started(pid: 7), now: .zero)
    #expect(child.step(.tick, now: .at(.seconds(30))).isEmpty)
    #expect(
      child.step(.tick, now: .at(.seconds(31))) == [
        .signal(pid: 7, 9), .gaveUp(.notReady(within: .seconds(30))),
      ])
    #expect(child.step(.exited(.killed(signal: 9)), now: .at(.seconds(32))).isEmpty)
    #expect(child.isGone)
  }

  @Test func aChildThatIsAtWorkGetsTheTimeItAsksFor() {
    var child = ChildSupervision()
    _ = child.step(.launch, now: .zero)
    _ = child.step(.started(pid: 7), now: .zero)
    let more = NotifyMessage(datagram: Array("STATUS=checking\nEXTEND_TIMEOUT_USEC=60000000".utf8))
    #expect(child.step(.notified(more), now: .at(.seconds(20))).isEmpty)
    let early = tick(&child, 20...50)
    #expect(early.isEmpty)
    // Less than it has already takes nothing away.
    let less = NotifyMessage(datagram: Array("EXTEND_TIMEOUT_USEC=1".utf8))
    #expect(child.step(.notified(less), now: .at(.seconds(50))).isEmpty)
    let late = tick(&child, 51...80)
    #expect(late.isEmpty)
    #expect(
      child.step(.tick, now: .at(.seconds(81))) == [
        .signal(pid: 7, 9), .gaveUp(.notReady(within: .seconds(80))),
      ])
  }

  @Test func aRequestForMoreTimeIsBounded() {
    func extend(_ text: String) -> Duration? {
      NotifyMessage(datagram: Array("EXTEND_TIMEOUT_USEC=\(text)".utf8)).extend
    }
    #expect(extend("1500000") == .milliseconds(1_500))
    #expect(extend("9223372036854775807") == NotifyMessage.longestExtension)
    for text in ["", "0", "-1", "9223372036854775808", "1s"] { #expect(extend(text) == nil, "\(text)") }
  }

  @Test func aChildThatDiesIsStartedAgainAfterItsBackoff() {
    var child = readyChild()
    let died = child.step(.exited(.killed(signal: 9)), now: .at(.seconds(1)))
    #expect(died == [.died(.killed(signal: 9), restartIn: .milliseconds(100))])
    #expect(child.pid == nil)
    #expect(child.step(.tick, now: .at(.milliseconds(1_099))).isEmpty)
    #expect(child.step(.tick, now: .at(.milliseconds(1_100))) == [.spawn])
    #expect(child.step(.tick, now: .at(.milliseconds(1_200))).isEmpty)
    #expect(child.restarts == 1)
    _ = child.step(.started(pid: 8), now: .at(.milliseconds(1_200)))
    #expect(child.pid == 8)
    // It has been ready before, so that an early end is no reason to give up.
    let again = child.step(.exited(.exited(1)), now: .at(.milliseconds(1_300)))
    #expect(again == [.died(.exited(1), restartIn: .milliseconds(200))])
  }

  @Test func aConfigurationErrorIsNeverTriedAgain() {
    var child = readyChild()
    #expect(child.step(.exited(.exited(78)), now: .at(.seconds(1))) == [.gaveUp(.exited(.exited(78)))])
    #expect(child.isGone)
  }

  @Test func aSilentChildIsAbortedAndThenKilled() {
    var child = readyChild()
    _ = child.step(.notified(Self.alive), now: .at(.seconds(4)))
    #expect(child.step(.tick, now: .at(.seconds(14))).isEmpty)
    let effects = child.step(.tick, now: .at(.milliseconds(14_050)))
    #expect(effects == [.unresponsive(silentFor: .milliseconds(10_050)), .signal(pid: 7, 6)])
    #expect(child.step(.tick, now: .at(.seconds(16))).isEmpty)
    #expect(child.step(.tick, now: .at(.milliseconds(16_100))) == [.signal(pid: 7, 9)])
    let died = child.step(.exited(.killed(signal: 9)), now: .at(.milliseconds(16_200)))
    #expect(died == [.died(.killed(signal: 9), restartIn: .milliseconds(100))])
  }

  /// The machine was suspended, or the supervisor stopped, for an hour.
  @Test func timeThatNobodyWatchedIsNobodysSilence() {
    var child = readyChild()
    _ = child.step(.tick, now: .at(.seconds(4)))
    let watched = tick(&child, 3_604...3_610)
    #expect(watched.isEmpty)
    let effects = child.step(.tick, now: .at(.milliseconds(3_610_050)))
    #expect(effects == [.unresponsive(silentFor: .milliseconds(10_050)), .signal(pid: 7, 6)])
  }

  @Test func aPingThatComesBeforeTheTickAfterAGapIsNoPingOfTheFuture() {
    var child = readyChild()
    _ = child.step(.tick, now: .at(.seconds(4)))
    _ = child.step(.notified(Self.alive), now: .at(.seconds(3_604)))
    let watched = tick(&child, 3_604...3_614)
    #expect(watched.isEmpty)
    let effects = child.step(.tick, now: .at(.milliseconds(3_614_050)))
    #expect(effects == [.unresponsive(silentFor: .milliseconds(10_050)), .signal(pid: 7, 6)])
  }

  @Test func timeThatNobodyWatchedIsNotTakenFromAStart() {
    var child = ChildSupervision()
    _ = child.step(.launch, now: .zero)
    _ = child.step(.started(pid: 7), now: .zero)
    _ = child.step(.tick, now: .at(.seconds(4)))
    var slow = child
    let effects = child.step(.notified(Self.ready), now: .at(.seconds(3_605)))
    #expect(effects == [.becameReady(pid: 7, after: .seconds(4))])
    let watched = tick(&slow, 3_604...3_630)
    #expect(watched.isEmpty)
    let end = slow.step(.tick, now: .at(.seconds(3_631)))
    #expect(end == [.signal(pid: 7, 9), .gaveUp(.notReady(within: .seconds(30)))])
  }

  @Test func aStopIsAskedForAndThenForced() {
    var child = readyChild()
    #expect(child.step(.stop, now: .at(.seconds(1))) == [.signal(pid: 7, 15)])
    #expect(child.step(.stop, now: .at(.seconds(2))).isEmpty)
    #expect(child.step(.tick, now: .at(.seconds(6))).isEmpty)
    #expect(child.step(.tick, now: .at(.milliseconds(6_100))) == [.signal(pid: 7, 9)])
    #expect(child.step(.exited(.killed(signal: 9)), now: .at(.seconds(7))).isEmpty)
    #expect(child.isGone)
  }

  @Test func aStopWhileTheChildIsBeingLaunchedReachesItAsSoonAsItsPidIsKnown() {
    var child = ChildSupervision()
    _ = child.step(.launch, now: .zero)
    #expect(child.step(.stop, now: .zero).isEmpty)
    #expect(!child.isGone)
    #expect(child.step(.started(pid: 7), now: .zero) == [.signal(pid: 7, 15)])
    _ = child.step(.exited(.exited(0)), now: .at(.seconds(1)))
    #expect(child.isGone)
  }

  @Test func aStopWhileWaitingForARestartMeansNoRestart() {
    var child = readyChild()
    _ = child.step(.exited(.exited(1)), now: .at(.seconds(1)))
    _ = child.step(.stop, now: .at(.seconds(1)))
    #expect(child.isGone)
    #expect(child.step(.tick, now: .at(.seconds(60))).isEmpty)
  }

  @Test func killDoesNotWait() {
    var child = readyChild()
    _ = child.step(.stop, now: .at(.seconds(1)))
    #expect(child.step(.kill, now: .at(.seconds(1))) == [.signal(pid: 7, 9)])
  }
}

@Suite struct SupervisionPartsTests {
  @Test func backoffDoublesToItsLongestAndStartsAgainAfterHealth() {
    var backoff = RestartBackoff()
    let delays = (0..<8).map { _ in backoff.delay(readyFor: .seconds(1)) }
    #expect(delays == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000].map { Duration.milliseconds($0) })
    #expect(backoff.delay(readyFor: .seconds(10)) == .milliseconds(100))
    #expect(backoff.delay(readyFor: .zero) == .milliseconds(200))
  }

  @Test func theLongestDelayCanBeSet() {
    var backoff = RestartBackoff(first: .milliseconds(20), longest: .milliseconds(50))
    let delays = (0..<4).map { _ in backoff.delay(readyFor: .zero) }
    #expect(delays == [20, 40, 50, 50].map { Duration.milliseconds($0) })
  }

  @Test func aLongFirstDelayIsNeverShortened() {
    var backoff = RestartBackoff(first: .seconds(60))
    #expect(
      [backoff.delay(readyFor: .zero), backoff.delay(readyFor: .zero)] == [.seconds(60), .seconds(60)])
  }

  @Test func aNotificationIsReadLineByLine() {
    let message = NotifyMessage(datagram: Array("READY=1\nSTATUS=leader term 7\nMAINPID=4\nX_OTHER=1".utf8))
    #expect(message.isReady && !message.isStopping && !message.isAlive)
    #expect(message.status == "leader term 7")
    let none = NotifyMessage(datagram: Array("READY=0\nREADY=1x\n\u{0}".utf8))
    #expect(none == NotifyMessage())
  }

  @Test func linesAreWholeWhateverThePieces() {
    var lines = LineAssembler()
    #expect(lines.append(Array("on".utf8).span.bytes).isEmpty)
    #expect(lines.append(Array("e\ntwo\n\nthr".utf8).span.bytes) == ["one", "two", ""])
    #expect(lines.finish() == "thr")
    #expect(lines.finish() == nil)
  }

  @Test func anEndlessLineIsCut() {
    var lines = LineAssembler()
    let cut = lines.append([UInt8](repeating: 0x61, count: LineAssembler.longestLine + 5).span.bytes)
    #expect(cut.map(\.utf8.count) == [LineAssembler.longestLine])
    #expect(lines.finish() == "aaaaa")
  }

  @Test func exitReasonsAreSaidInWords() {
    #expect("\(ExitReason.exited(78))" == "exited with 78 (configuration error)")
    #expect("\(ExitReason.killed(signal: 9))" == "was killed by signal 9 (SIGKILL)")
    #expect("\(ExitReason.killed(signal: 64))" == "was killed by signal 64")
  }
}
