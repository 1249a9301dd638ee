import CoreTime
import PriorityQueue
import Testing

@Suite struct LeadershipTests {
  private func record(_ epoch: Epoch, _ executor: Int, vacancy: Vacancy? = nil) -> LeadershipRecord {
    LeadershipRecord(
      lane: "main", epoch: epoch, executor: executor, incarnation: 1, term: 1, vacancy: vacancy)
  }

  @Test func aLiveHolderYieldsOnlyToAHigherIdOrItsOwnNewStart() {
    var bench = Bench()
    let deadline = bench.now.monotonic + .seconds(3)
    #expect(bench.claim(2) == .granted(1, deadline: deadline, returned: [], buried: []))
    #expect(bench.claim(1) == .heldBy(record(1, 2)))
    #expect(bench.claim(2) == .resumed(1, deadline: deadline), "a repeat whose reply was lost")
    #expect(bench.claim(2, incarnation: 9) == .granted(2, deadline: deadline, returned: [], buried: []))
    #expect(bench.claim(3) == .granted(3, deadline: deadline, returned: [], buried: []))
    #expect(bench.claim(2) == .heldBy(record(3, 3)))
    #expect(bench.claim(1, lane: "east") == .granted(1, deadline: deadline, returned: [], buried: []))
    #expect(bench.queue.leadership.map(\.epoch) == [1, 3])
  }

  @Test func twoProcessesWithOneIdDoNotTakeTurns() {
    var bench = Bench()
    _ = bench.claim(2, stream: 7)
    #expect(bench.claim(2, incarnation: 9) == .heldBy(record(1, 2)))
    _ = bench.write(bench.queue.holderStreamClosed(lane: "main", epoch: 1, stream: 7))
    let deadline = bench.now.monotonic + .seconds(3)
    #expect(bench.claim(2, incarnation: 9) == .granted(2, deadline: deadline, returned: [], buried: []))
  }

  @Test func leadershipRunsOutWithoutRenewal() {
    var bench = Bench()
    let leader = bench.lead(3)
    bench.pass(2_999)
    #expect(
      bench.queue.renew(leader, now: bench.now) == .renewed(deadline: bench.now.monotonic + .seconds(3)))
    bench.pass(2_999)
    #expect(bench.claim(1) == .heldBy(record(1, 3)))
    bench.milliseconds += 1
    let lapsed = Fence(yours: 1, current: 1, holder: nil)
    #expect(bench.queue.renew(leader, now: bench.now) == .fenced(lapsed), "before any tick has noticed")
    #expect(bench.pass(0).leadershipExpired == [record(1, 3, vacancy: .leaseExpired)])
    #expect(bench.leadership["main"]?.vacancy == .leaseExpired)
    #expect(
      bench.write(bench.queue.lease(leader, max: 1, duration: .seconds(1), now: bench.now)) == .fenced(lapsed)
    )
    #expect(bench.lead(1).epoch == 2)
    #expect(
      bench.queue.renew(leader, now: bench.now) == .fenced(Fence(yours: 1, current: 2, holder: record(2, 1))))
  }

  @Test func aLapsedHolderResumesWhileNobodyElseWasGranted() {
    var bench = Bench()
    bench.enqueue(1)
    let leader = bench.lead(3)
    #expect(bench.lease(leader, for: 100_000) == [1])
    bench.pass(3_000)
    #expect(bench.lead(3) == leader)
    #expect(bench.ack(1, leader) == .acked(late: false))
    #expect(bench.leadership["main"] == record(1, 3))
  }

  @Test func anEndedStreamVacatesAtOnceButOnlyTheHoldersOwn() {
    var bench = Bench()
    _ = bench.claim(3, stream: 7)
    _ = bench.claim(3, stream: 8)
    #expect(bench.write(bench.queue.holderStreamClosed(lane: "main", epoch: 1, stream: 7)) == .ignored)
    #expect(bench.claim(1) == .heldBy(record(1, 3)))
    #expect(bench.write(bench.queue.holderStreamClosed(lane: "main", epoch: 1, stream: 8)) == .vacated)
    #expect(bench.leadership["main"]?.vacancy == .streamClosed)
    #expect(bench.write(bench.queue.holderStreamClosed(lane: "main", epoch: 1, stream: 8)) == .ignored)
    #expect(bench.lead(1).epoch == 2)
    #expect(bench.write(bench.queue.holderStreamClosed(lane: "main", epoch: 1, stream: 8)) == .ignored)
    #expect(bench.queue.leadership == [record(2, 1)])
  }

  @Test func aNewEpochTakesBackWhatTheOldOneHadLeased() {
    var bench = Bench(QueueConfiguration(deliveryLimit: 2, leadershipLease: .seconds(99)))
    for id in 1...4 { bench.enqueue(id) }
    bench.enqueue(5, lane: "east")
    let east = bench.lead(9, lane: "east")
    #expect(bench.lease(east) == [5])
    let first = bench.lead(1)
    #expect(bench.lease(first) == [1])
    _ = bench.nack(1, first, delay: 0)
    #expect(bench.lease(first, max: 3) == [1, 2, 3])
    let answer = bench.claim(2)
    let deadline = bench.now.monotonic + .seconds(99)
    #expect(answer == .granted(2, deadline: deadline, returned: [2, 3], buried: [1]))
    #expect(bench.queue.state(of: 5) == .leased, "another lane's leases are its own")
    let second = LeaderToken(lane: "main", executor: 2, epoch: 2)
    #expect(bench.lease(second, max: 9) == [2, 3, 4])
    #expect(bench.queue.invariantViolations() == [])
  }

  @Test func aResignationHandsBackWithoutCountingTheAttempt() {
    var bench = Bench()
    bench.enqueue(1)
    bench.enqueue(2)
    let leader = bench.lead(3)
    #expect(bench.lease(leader, max: 2) == [1, 2])
    #expect(bench.write(bench.queue.resign(leader, now: bench.now)) == .resigned)
    #expect(bench.write(bench.queue.resign(leader, now: bench.now)) == .resigned)
    #expect(bench.queue.job(1)?.attempts == 0 && bench.queue.state(of: 1) == .ready)
    #expect(bench.lease(leader) == nil)
    #expect(bench.ack(2, leader) == .acked(late: true), "finished while it resigned")
    #expect(bench.lead(3).epoch == 2, "who resigned does not resume")
    #expect(
      bench.write(bench.queue.resign(leader, now: bench.now))
        == .fenced(Fence(yours: 1, current: 2, holder: record(2, 3))))
  }

  @Test func everyCallUnderAStaleEpochIsFenced() {
    var bench = Bench()
    for id in 1...2 { bench.enqueue(id) }
    let stale = bench.lead(1)
    #expect(bench.lease(stale, max: 2) == [1, 2])
    let current = bench.lead(2)
    #expect(bench.lease(current) == [1])
    let fence = Fence(yours: 1, current: 2, holder: record(2, 2))
    let before = bench.rows
    #expect(
      bench.write(bench.queue.lease(stale, max: 1, duration: .seconds(1), now: bench.now)) == .fenced(fence))
    for id in 1...2 {
      #expect(
        bench.write(bench.queue.touch(id, stale, duration: .seconds(1), now: bench.now)) == .fenced(fence))
      #expect(bench.ack(id, stale) == .fenced(fence))
      #expect(bench.nack(id, stale) == .fenced(fence))
      #expect(bench.write(bench.queue.bury(id, stale, reason: "", now: bench.now)) == .fenced(fence))
    }
    #expect(bench.queue.renew(stale, now: bench.now) == .fenced(fence))
    #expect(bench.write(bench.queue.resign(stale, now: bench.now)) == .fenced(fence))
    let liar = LeaderToken(lane: "main", executor: 1, epoch: 2)
    #expect(bench.ack(1, liar) == .fenced(Fence(yours: 2, current: 2, holder: record(2, 2))))
    let future = LeaderToken(lane: "main", executor: 2, epoch: 3)
    #expect(bench.ack(1, future) == .fenced(Fence(yours: 3, current: 2, holder: record(2, 2))))
    let nowhere = LeaderToken(lane: "west", executor: 2, epoch: 1)
    #expect(bench.ack(1, nowhere) == .fenced(Fence(yours: 1, current: 0, holder: nil)))
    #expect(bench.rows == before)
    #expect(bench.queue.counters.fenced == 14)
    #expect(bench.ack(1, current) == .acked(late: false))
  }

  @Test func aLeaderCannotTouchAnotherLanesJob() {
    var bench = Bench()
    bench.enqueue(1, lane: "east")
    let east = bench.lead(1, lane: "east")
    let main = bench.lead(1)
    #expect(bench.lease(east) == [1])
    #expect(bench.ack(1, main) == .notLeased(.leased))
    #expect(bench.nack(1, main) == .notLeased(.leased))
    #expect(bench.ack(1, east) == .acked(late: false))
  }

  @Test func epochsLeasesAndHoldersSurviveARestart() {
    var bench = Bench()
    for id in 1...2 { bench.enqueue(id) }
    _ = bench.lead(1)
    let leader = bench.lead(2)
    #expect(bench.lease(leader, max: 2, for: 1_000) == [1, 2])
    bench.milliseconds += 60_000
    bench.restart()
    #expect(bench.claim(1) == .heldBy(record(2, 2)), "the holder gets one lease's time to come back")
    #expect(bench.lead(2) == leader)
    #expect(bench.ack(1, leader) == .acked(late: false))
    #expect(bench.pass(999).returned == [])
    #expect(bench.pass(1).returned == [2])
    bench.pass(60_000)
    bench.restart()
    #expect(bench.lead(1).epoch == 3)
    #expect(bench.queue.invariantViolations() == [])
  }

  @Test func aLeasedRowWithoutTheCurrentEpochIsRepaired() {
    var bench = Bench()
    bench.enqueue(1)
    #expect(bench.lease(bench.lead(1)) == [1])
    bench.leadership["main"]?.epoch = 2
    bench.restart()
    #expect(bench.queue.state(of: 1) == .ready && bench.rows[1]?.state == .ready)
    #expect(bench.queue.invariantViolations() == [])
  }
}

/// What the queue's own standstills and broken streams cost nobody.
@Suite struct StandstillTests {
  @Test func aStandstillOfTheQueueEndsNothing() {
    var bench = Bench(QueueConfiguration(leadershipLease: .milliseconds(400)))
    bench.enqueue(1)
    bench.enqueue(2)
    let leader = bench.lead(3)
    #expect(bench.lease(leader, max: 1, for: 300) == [1])
    bench.milliseconds += 60_000
    bench.queue.stoodStill(for: .seconds(60))
    #expect(bench.pass(200).returned == [])
    #expect(bench.queue.invariantViolations() == [])
    #expect(bench.lease(leader, max: 1, for: 300) == [2], "the leadership is live")
    #expect(bench.pass(150).returned == [1], "its lease goes on from where it was")
    #expect(bench.pass(100).leadershipExpired.map(\.executor) == [3])
  }

  @Test func whatALeaderNeverGotIsReadyAtOnceAndCostsNothing() {
    var bench = Bench()
    for id in 1...4 { bench.enqueue(id) }
    bench.enqueue(5, lane: "east")
    let (leader, other) = (bench.lead(3), bench.lead(3, lane: "east"))
    #expect(bench.lease(leader, max: 3) == [1, 2, 3] && bench.lease(other) == [5])
    #expect(bench.write(bench.queue.takeBackLost(leader, held: [2, 9], now: bench.now)) == [1, 3])
    #expect(bench.rows[1]?.state == .ready && bench.rows[1]?.attempts == 0 && bench.rows[1]?.reason == "lost")
    #expect(bench.queue.state(of: 2) == .leased && bench.queue.state(of: 5) == .leased)
    #expect(bench.ack(1, leader) == .notLeased(.ready), "it was not carried out")
    #expect(bench.queue.peek(lane: "main", limit: 9).map(\.id) == [1, 3, 4])
    #expect(bench.queue.counters.lost == 2 && bench.queue.invariantViolations() == [])
    var stale = leader
    stale.epoch -= 1
    #expect(bench.write(bench.queue.takeBackLost(stale, held: [], now: bench.now)) == [])
  }
}
