import CoreTime
import LeaderWork
import Testing

/// A machine with a clock in milliseconds and the effects that matter to a test.
private struct Bench {
  typealias Work = LeaderWork<String>
  var work = Work(configuration: LeaderWorkConfiguration(credits: 2), seed: 1)
  var clock: Int64 = 0

  var now: Instant { Instant.zero + .milliseconds(clock) }

  mutating func give(_ input: Work.Input) -> [Work.Effect] {
    work.step(input, now: now).filter {
      switch $0 {
      case .setTimer, .note: false
      default: true
      }
    }
  }

  mutating func after(_ milliseconds: Int64, _ input: Work.Input = .timerFired) -> [Work.Effect] {
    clock += milliseconds
    return give(input)
  }

  /// Leads under `epoch` with a lease of 3 s, claimed at the present time; stream 1 is open.
  mutating func takeOffice(epoch: UInt64 = 7) {
    _ = give(.lead(term: 1))
    _ = give(.claimAnswered(call: 1, .granted(epoch: epoch, lease: .seconds(3))))
  }

  mutating func deliver(_ order: String, stream: UInt64 = 1) -> [Work.Effect] {
    give(.delivered(stream: stream, WorkDelivery(order: order, attempt: 1, lease: .seconds(4))))
  }
}

@Suite struct LeaderWorkTests {
  @Test func claimsAndOpensTheStream() {
    var bench = Bench()
    #expect(bench.give(.lead(term: 4)) == [.claim(call: 1, term: 4)])
    #expect(
      bench.after(20, .claimAnswered(call: 1, .granted(epoch: 7, lease: .seconds(3))))
        == [.tellGranted(epoch: 7), .openStream(1, epoch: 7), .send(stream: 1, .credits(2))])
    #expect(bench.work.epoch == 7)
  }

  @Test func trustCountsFromWhenTheClaimWasSent() {
    var bench = Bench()
    _ = bench.give(.lead(term: 1))
    _ = bench.after(400, .claimAnswered(call: 1, .granted(epoch: 7, lease: .seconds(3))))
    // 3 s less a sixth, from 0 and not from 400.
    #expect(bench.work.mayAct(at: .zero + .milliseconds(2_499)))
    #expect(!bench.work.mayAct(at: .zero + .milliseconds(2_500)))
  }

  @Test func anAnswerThatTookTheWholeLeaseIsGivenBack() {
    var bench = Bench()
    _ = bench.give(.lead(term: 1))
    #expect(
      bench.after(2_600, .claimAnswered(call: 1, .granted(epoch: 7, lease: .seconds(3))))
        == [.resign(call: 2, epoch: 7, reason: "a new term")])
    #expect(bench.give(.resignAnswered(call: 2)) == [.claim(call: 3, term: 1)])
  }

  @Test func renewsAfterAThirdAndTrustsFromTheSending() {
    var bench = Bench()
    bench.takeOffice()
    #expect(bench.after(999) == [])
    #expect(bench.after(1) == [.send(stream: 1, .renew)])
    #expect(bench.after(500) == [], "one renewal at a time")
    _ = bench.after(100, .renewed(stream: 1, lease: .seconds(3)))
    #expect(bench.work.mayAct(at: .zero + .milliseconds(3_499)))
    #expect(!bench.work.mayAct(at: .zero + .milliseconds(3_500)))
  }

  @Test func stopsByItselfWhenTheWindowEnds() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    #expect(bench.after(2_500) == [.closeStream(1), .cancelExecutions(epoch: 7), .queueLost])
    #expect(bench.give(.executed("a", epoch: 7, .done(note: ""))) == [])
    #expect(bench.work.epoch == nil)
  }

  @Test func whatComesFirstAfterAPauseFindsTheTrustGone() {
    var bench = Bench()
    bench.takeOffice()
    bench.clock += 9_000
    let effects = bench.deliver("a")
    #expect(effects == [.closeStream(1), .tellLost])
  }

  @Test func executesAcknowledgesAndTakesTheNext() {
    var bench = Bench()
    bench.takeOffice()
    let delivery = WorkDelivery(order: "a", attempt: 1, lease: .seconds(4))
    #expect(bench.deliver("a") == [.execute(delivery, epoch: 7)])
    #expect(
      bench.give(.executed("a", epoch: 7, .done(note: "x")))
        == [.send(stream: 1, .ack("a", note: "x")), .send(stream: 1, .credits(1))])
    // Doubled by the queue while the ack is on its way.
    #expect(bench.deliver("a") == [.send(stream: 1, .credits(1))])
    #expect(bench.give(.settled(stream: 1, "a", .accepted)) == [])
  }

  @Test func resultsOfAnOlderEpochHaveNoSay() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.give(.fenced(stream: 1, current: 8, holder: 9))
    _ = bench.give(.lead(term: 2))
    _ = bench.give(.claimAnswered(call: 2, .granted(epoch: 9, lease: .seconds(3))))
    _ = bench.deliver("a", stream: 2)
    #expect(bench.give(.executed("a", epoch: 7, .done(note: ""))) == [])
    let effects = bench.give(.executed("a", epoch: 9, .done(note: "")))
    #expect(effects.first == .send(stream: 2, .ack("a", note: "")))
  }

  @Test func touchesAtHalfTheLease() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.after(1_000)
    _ = bench.give(.renewed(stream: 1, lease: .seconds(3)))
    #expect(bench.after(1_000).contains(.send(stream: 1, .touch("a", lease: .seconds(4)))))
  }

  @Test func aBrokenStreamResumesTheSameEpochAndSendsAgain() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.deliver("b")
    _ = bench.give(.executed("a", epoch: 7, .tryAgain(reason: "r")))
    #expect(bench.give(.streamClosed(1)) == [])
    #expect(bench.after(120) == [.claim(call: 2, term: 1)])
    #expect(
      bench.give(.claimAnswered(call: 2, .granted(epoch: 7, lease: .seconds(3))))
        == [
          .openStream(2, epoch: 7), .send(stream: 2, .nack("a", reason: "r")), .send(stream: 2, .credits(1)),
        ])
    // What ran on goes on.
    let effects = bench.give(.executed("b", epoch: 7, .done(note: "")))
    #expect(effects.first == .send(stream: 2, .ack("b", note: "")))
    #expect(bench.give(.settled(stream: 1, "b", .accepted)) == [], "of the old stream")
  }

  @Test func aBreakAfterWhichAnotherLeadsIsTheEnd() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.give(.streamClosed(1))
    _ = bench.after(120)
    #expect(bench.give(.claimAnswered(call: 2, .held(by: 9, epoch: 8))) == [.tellLost])
  }

  @Test func triesAgainAfterAFailedConfirmationUntilTheWindowEnds() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.give(.streamClosed(1))
    _ = bench.after(120)
    #expect(bench.give(.claimAnswered(call: 2, .failed)) == [])
    #expect(bench.after(120) == [.claim(call: 3, term: 1)])
    #expect(bench.after(2_400) == [.queueLost])
    // It was granted all the same: an epoch that nobody wants is given back.
    #expect(
      bench.give(.claimAnswered(call: 3, .granted(epoch: 7, lease: .seconds(3))))
        == [.resign(call: 4, epoch: 7, reason: "not wanted any more")])
  }

  @Test func drainFinishesWhatRunsAndHandsBackTheRest() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    #expect(bench.give(.drain(.handover, until: bench.now + .seconds(2))) == [])
    #expect(bench.deliver("b") == [.send(stream: 1, .handBack("b"))])
    #expect(bench.give(.settled(stream: 1, "b", .accepted)) == [])
    #expect(bench.give(.executed("a", epoch: 7, .done(note: ""))) == [.send(stream: 1, .ack("a", note: ""))])
    #expect(
      bench.give(.settled(stream: 1, "a", .accepted))
        == [.resign(call: 2, epoch: 7, reason: "handed over")])
    #expect(bench.give(.resignAnswered(call: 2)) == [.closeStream(1), .drained(.handover)])
  }

  @Test func drainIsBounded() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.give(.drain(.shutdown, until: bench.now + .seconds(2)))
    #expect(
      bench.after(2_000)
        == [.cancelExecutions(epoch: 7), .resign(call: 2, epoch: 7, reason: "handed over")])
    #expect(bench.give(.resignAnswered(call: 2)) == [.closeStream(1), .drained(.shutdown)])
    #expect(bench.give(.lead(term: 3)) == [], "the process ends")
  }

  @Test func aHandoverDoesNotSilenceAStepDownThatSomebodyWaitsFor() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.give(.drain(.stepDown, until: bench.now + .seconds(2)))
    _ = bench.give(.drain(.handover, until: bench.now + .seconds(4)))
    #expect(
      bench.give(.fenced(stream: 1, current: 8, holder: 9))
        == [.closeStream(1), .cancelExecutions(epoch: 7), .drained(.stepDown), .tellLost])
  }

  @Test func aLeadershipThatEndedIsGivenBackBeforeTheNextIsClaimed() {
    var bench = Bench()
    bench.takeOffice()
    #expect(bench.give(.stopLeading) == [.resign(call: 2, epoch: 7, reason: "no longer the leader")])
    #expect(bench.give(.lead(term: 2)) == [])
    #expect(bench.give(.resignAnswered(call: 2)) == [.closeStream(1), .claim(call: 3, term: 2)])
    // The resignation was lost: the queue resumes the old epoch.
    #expect(
      bench.give(.claimAnswered(call: 3, .granted(epoch: 7, lease: .seconds(3))))
        == [.resign(call: 4, epoch: 7, reason: "a new term")])
    #expect(bench.give(.resignAnswered(call: 4)) == [.claim(call: 5, term: 2)])
  }

  @Test func theStreamStaysOpenUntilTheEpochIsGivenBack() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    #expect(
      bench.give(.stopLeading)
        == [.cancelExecutions(epoch: 7), .resign(call: 2, epoch: 7, reason: "no longer the leader")])
    #expect(bench.deliver("b") == [], "the queue takes it back with the epoch")
    #expect(bench.after(500) == [])
    #expect(bench.give(.executed("a", epoch: 7, .tryAgain(reason: "killed"))) == [])
    #expect(bench.give(.resignAnswered(call: 2)) == [.closeStream(1)])
    #expect(bench.work.nextDeadline == nil)
  }

  @Test func theFarewellOfAStreamIsBounded() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.give(.stopLeading)
    #expect(bench.work.nextDeadline == bench.now + .milliseconds(1_500))
    #expect(bench.after(1_499) == [])
    #expect(bench.after(1) == [.closeStream(1)])
    #expect(bench.after(1_000) == [], "once")
    #expect(bench.give(.resignAnswered(call: 2)) == [])
  }

  @Test func theFarewellOfAStreamEndsWithTheTrust() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    // The renewal that is due after 1 s has no answer: trusted until 2.5 s.
    _ = bench.after(2_000)
    _ = bench.give(.stopLeading)
    #expect(bench.after(499) == [])
    #expect(bench.after(1) == [.closeStream(1)])
  }

  @Test func aClaimThatIsNotWantedAnyMoreIsGivenBack() {
    var bench = Bench()
    _ = bench.give(.lead(term: 1))
    #expect(bench.give(.stopLeading) == [])
    #expect(
      bench.give(.claimAnswered(call: 1, .granted(epoch: 7, lease: .seconds(3))))
        == [.resign(call: 2, epoch: 7, reason: "not wanted any more")])
  }

  @Test func anUnreachableQueueMakesIneligibleAfterItsPatience() {
    var bench = Bench()
    _ = bench.give(.lead(term: 1))
    #expect(bench.give(.claimAnswered(call: 1, .failed)) == [.tellDenied(holder: nil)])
    _ = bench.after(1_500, .lead(term: 1))
    #expect(bench.give(.claimAnswered(call: 2, .failed)) == [.queueLost])
  }

  @Test func aDeniedClaimNamesTheHolder() {
    var bench = Bench()
    _ = bench.give(.lead(term: 1))
    #expect(bench.give(.claimAnswered(call: 1, .held(by: 9, epoch: 3))) == [.tellDenied(holder: 9)])
    #expect(bench.give(.lead(term: 1)) == [.claim(call: 2, term: 1)])
  }

  @Test func anOutcomeThatTheQueueAsksForAgainIsSentAgain() {
    var bench = Bench()
    bench.takeOffice()
    _ = bench.deliver("a")
    _ = bench.give(.executed("a", epoch: 7, .failed(reason: "no")))
    _ = bench.give(.settled(stream: 1, "a", .retry))
    #expect(bench.after(300) == [.send(stream: 1, .bury("a", reason: "no"))])
    #expect(bench.give(.settled(stream: 1, "a", .refused(code: "not_leased"))) == [])
  }

  @Test func aTrustThatEndsInTimeMeansThatTheQueueIsAway() {
    var bench = Bench()
    bench.takeOffice()
    #expect(bench.after(2_500).contains(.queueLost))
  }

  @Test func aTrustThatEndedLongAgoMeansThatThisProcessSlept() {
    var bench = Bench()
    bench.takeOffice()
    let effects = bench.after(4_000, .streamClosed(1))
    #expect(effects.contains(.tellLost) && !effects.contains(.queueLost))
  }
}
