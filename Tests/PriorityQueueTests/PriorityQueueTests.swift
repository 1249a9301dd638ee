import CoreTime
import PriorityQueue
import Randomness
import Testing

/// Leadership that outlasts the test, so that only job leases run out.
private let calm = QueueConfiguration(deliveryLimit: 3, leadershipLease: .seconds(86_400))

@Suite struct PriorityQueueTests {
  @Test func strictPriorityThenFirstInFirstOut() {
    var bench = Bench()
    for (id, priority) in [(1, 5), (2, 0), (3, 9), (4, 5), (5, 0), (6, 5)] {
      bench.enqueue(id, priority: priority)
    }
    let leader = bench.lead(1)
    #expect(bench.queue.peek(lane: "main", limit: 4).map(\.id) == [2, 5, 1, 4])
    #expect(bench.lease(leader, max: 4) == [2, 5, 1, 4])
    bench.enqueue(7, priority: 1)
    #expect(bench.lease(leader, max: 9) == [7, 6, 3])
  }

  @Test func enqueueIsIdempotentInEveryState() {
    var bench = Bench(calm)
    let leader = bench.lead(1)
    #expect(bench.enqueue(1) == .enqueued(.ready))
    #expect(bench.enqueue(1, priority: 0) == .duplicate(.ready))
    #expect(bench.queue.job(1)?.priority == 5)
    #expect(bench.lease(leader) == [1])
    #expect(bench.enqueue(1) == .duplicate(.leased))
    #expect(bench.ack(1, leader) == .acked(late: false))
    #expect(bench.enqueue(1) == .duplicate(.done))
    #expect(bench.ack(1, leader) == .alreadyDone)
    #expect(bench.enqueue(2, notBefore: 1_000) == .enqueued(.delayed))
    #expect(bench.enqueue(2) == .duplicate(.delayed))
    #expect(bench.queue.totals.enqueued == 2)
    #expect(bench.enqueue(3, priority: 10) == .invalidPriority)
  }

  @Test func onlyTheLatestFinishedAreRemembered() {
    var bench = Bench(QueueConfiguration(recentCapacity: 2))
    for id in 1...3 {
      bench.enqueue(id)
      #expect(bench.write(bench.queue.cancel(id, reason: "", now: bench.now)) == .cancelled)
    }
    #expect(bench.queue.state(of: 1) == nil)
    #expect(bench.queue.state(of: 2) == .cancelled && bench.queue.state(of: 3) == .cancelled)
  }

  @Test func aLeaseThatRunsOutReturnsToItsPlace() {
    var bench = Bench(calm)
    for id in 1...3 { bench.enqueue(id) }
    let leader = bench.lead(1)
    #expect(bench.lease(leader, max: 2, for: 1_000) == [1, 2])
    #expect(bench.pass(999) == Queue.TickAnswer())
    #expect(
      bench.write(bench.queue.touch(2, leader, duration: .seconds(5), now: bench.now))
        == .touched(deadline: bench.now.monotonic + .seconds(5)))
    #expect(bench.queue.nextDeadline(now: bench.now) == .milliseconds(1))
    #expect(bench.pass(1).returned == [1])
    #expect(bench.queue.job(1)?.reason == "leaseExpired")
    #expect(bench.queue.state(of: 2) == .leased)
    #expect(bench.lease(leader, max: 2) == [1, 3])
  }

  @Test func anAckThatComesLateCountsWhileNobodyElseWasGivenTheJob() {
    var bench = Bench(calm)
    bench.enqueue(1)
    bench.enqueue(2)
    let leader = bench.lead(1)
    #expect(bench.lease(leader, max: 2, for: 1_000) == [1, 2])
    bench.pass(1_000)
    #expect(bench.ack(1, leader) == .acked(late: true))
    let next = bench.lead(2)
    #expect(bench.ack(2, next) == .notLeased(.ready))
    #expect(bench.lease(next) == [2])
    _ = bench.nack(2, next, delay: 0)
    #expect(bench.ack(2, next) == .notLeased(.ready), "what was nacked is not acked late")
  }

  @Test func theLastDeliveryBuriesAndAKickStartsAnew() {
    var bench = Bench(calm)
    bench.enqueue(1)
    let leader = bench.lead(1)
    #expect(bench.lease(leader) == [1])
    #expect(bench.nack(1, leader, delay: 0) == .returned(.ready, readyAt: bench.now.wall))
    #expect(bench.lease(leader, for: 10) == [1])
    #expect(bench.pass(10).returned == [1])
    #expect(bench.lease(leader) == [1])
    #expect(bench.nack(1, leader) == .buried(attempts: 3))
    #expect(bench.queue.job(1)?.reason == "try later")
    #expect(bench.queue.list(.buried, limit: 9).map(\.id) == [1])
    #expect(bench.lease(leader) == [])
    #expect(bench.write(bench.queue.kick(1, now: bench.now)) == .kicked(.ready))
    #expect(bench.write(bench.queue.kick(1, now: bench.now)) == .notBuried(.ready))
    #expect(bench.queue.job(1)?.attempts == 0)
    #expect(bench.lease(leader, for: 10) == [1])
    #expect(bench.write(bench.queue.bury(1, leader, reason: "no such address", now: bench.now)) == .buried)
    #expect(bench.queue.job(1)?.reason == "no such address")
    #expect(bench.write(bench.queue.kick(7, now: bench.now)) == .unknown)
  }

  @Test func aLeaseThatRunsOutOnTheLastDeliveryBuries() {
    var bench = Bench(QueueConfiguration(deliveryLimit: 1, leadershipLease: .seconds(99)))
    for id in 1...3 { bench.enqueue(id) }
    let leader = bench.lead(1)
    #expect(bench.lease(leader, max: 3, for: 10)?.count == 3)
    #expect(bench.pass(10).buried == [1, 2, 3])
    #expect(bench.causes.suffix(3) == [.deliveryLimit, .deliveryLimit, .deliveryLimit])
    #expect(bench.write(bench.queue.kickAll(limit: 2, now: bench.now)) == [1, 2])
    #expect(bench.queue.state(of: 3) == .buried)
  }

  @Test func backoffDoublesWithJitterUpToItsMaximum() {
    var random = SplitMix64(seed: 7)
    let backoff = Backoff(base: .milliseconds(100), maximum: .milliseconds(1_500))
    for (attempt, ceiling) in [(1, 100), (2, 200), (4, 800), (5, 1_500), (1_000_000, 1_500)] as [(Int, Int64)]
    {
      let delays = (0..<200).map { _ in backoff.delay(afterAttempt: attempt, using: &random) }
      #expect(delays.allSatisfy { $0 >= .milliseconds(ceiling / 2) && $0 <= .milliseconds(ceiling) })
      #expect(Set(delays).count > 10)
    }
    #expect(Backoff(base: .zero, maximum: .zero).delay(afterAttempt: 9, using: &random) == .zero)
  }

  @Test func aNackWithoutDelayBacksOffAndAHandBackCostsNoAttempt() {
    var bench = Bench(calm)
    bench.enqueue(1)
    let leader = bench.lead(1)
    #expect(bench.lease(leader) == [1])
    #expect(bench.nack(1, leader, countsAsAttempt: false) == .returned(.ready, readyAt: bench.now.wall))
    #expect(bench.queue.job(1)?.attempts == 0)
    #expect(bench.lease(leader) == [1])
    guard case .returned(.delayed, let readyAt) = bench.nack(1, leader) else {
      Issue.record("a failed attempt is not delayed")
      return
    }
    #expect((Duration.milliseconds(250)...(.milliseconds(500))).contains(readyAt - bench.now.wall))
    #expect(bench.lease(leader) == [])
    #expect(bench.pass(500).becameReady == [1])
  }

  @Test func cancelIsTooLateOnceLeased() {
    var bench = Bench(calm)
    for id in 1...3 { bench.enqueue(id) }
    let leader = bench.lead(1)
    func cancel(_ id: Int) -> CancelAnswer {
      bench.write(bench.queue.cancel(id, reason: "changed my mind", now: bench.now))
    }
    #expect(bench.lease(leader) == [1])
    #expect(cancel(1) == .tooLate(.leased, holder: leader))
    #expect(cancel(2) == .cancelled)
    #expect(cancel(2) == .alreadyCancelled)
    #expect(bench.lease(leader, max: 9) == [3])
    #expect(bench.ack(1, leader) == .acked(late: false))
    #expect(cancel(1) == .tooLate(.done, holder: nil))
    #expect(cancel(4) == .unknown)
    #expect(bench.write(bench.queue.bury(3, leader, reason: "", now: bench.now)) == .buried)
    #expect(cancel(3) == .cancelled)
  }

  @Test func pauseRefusesLeasesAndEndsByItself() {
    var bench = Bench(calm)
    bench.enqueue(1)
    bench.enqueue(2)
    let leader = bench.lead(1)
    #expect(bench.lease(leader) == [1])
    _ = bench.write(bench.queue.pause(until: Now.at(500).wall))
    #expect(bench.lease(leader) == nil)
    #expect(bench.enqueue(3) == .enqueued(.ready))
    #expect(bench.ack(1, leader) == .acked(late: false))
    bench.restart()
    #expect(bench.lease(leader) == nil, "a pause survives a restart")
    #expect(bench.pass(500).pauseEnded)
    #expect(bench.lease(leader) == [2])
    _ = bench.write(bench.queue.pause(until: nil))
    #expect(bench.pass(1_000_000).pauseEnded == false)
    _ = bench.write(bench.queue.resume())
    #expect(bench.gate == QueueGate())
    #expect(bench.lease(leader) != nil)
  }

  @Test func drainRefusesNewJobsAndLeasesTheRest() {
    var bench = Bench(calm)
    bench.enqueue(1)
    let leader = bench.lead(1)
    _ = bench.write(bench.queue.setDraining(true))
    #expect(bench.enqueue(2) == .draining)
    #expect(bench.enqueue(1) == .duplicate(.ready))
    #expect(bench.lease(leader) == [1])
    _ = bench.write(bench.queue.setDraining(false))
    #expect(bench.enqueue(2) == .enqueued(.ready))
  }

  @Test func aFullQueueRefusesAndKeepsWhatItHas() {
    var bench = Bench(QueueConfiguration(capacity: 2, fullRetryAfter: .seconds(3), maxLanes: 2))
    bench.enqueue(1)
    bench.enqueue(2, lane: "east", notBefore: 100)
    #expect(bench.enqueue(3) == .full(capacity: 2, retryAfter: .seconds(3)))
    #expect(bench.enqueue(2) == .duplicate(.delayed))
    #expect(bench.queue.stats(now: bench.now).byState[.ready] == 1)
    #expect(bench.enqueue(3, lane: "west") == .tooManyLanes(limit: 2))
    #expect(bench.claim(1, lane: "west") == .tooManyLanes(limit: 2))
    _ = bench.write(bench.queue.cancel(1, reason: "", now: bench.now))
    #expect(bench.enqueue(3) == .enqueued(.ready))
  }

  @Test func absoluteTimesDelayAndExpire() {
    var bench = Bench(calm)
    #expect(bench.enqueue(1, notBefore: 100, expiresAt: 100) == .enqueued(.delayed))
    #expect(bench.enqueue(2, expiresAt: 100) == .enqueued(.ready))
    #expect(bench.enqueue(3, expiresAt: 0) == .enqueued(.expired))
    #expect(bench.enqueue(4, expiresAt: 150) == .enqueued(.ready))
    #expect(bench.enqueue(5, notBefore: 120) == .enqueued(.delayed))
    #expect(bench.queue.nextDeadline(now: bench.now) == .milliseconds(100))
    let leader = bench.lead(1)
    #expect(bench.pass(100).expired == [1, 2])
    #expect(bench.lease(leader, max: 9, for: 100) == [4], "what is leased does not expire")
    #expect(bench.pass(60).expired == [])
    let tick = bench.pass(40)
    #expect(tick.expired == [4], "too late when its lease is over")
    #expect(bench.queue.state(of: 5) == .ready)
    bench.enqueue(6, priority: 0, expiresAt: 210)
    bench.milliseconds = 210
    #expect(bench.lease(leader) == [5], "what is overdue is not leased, ticked or not")
    #expect(bench.queue.state(of: 6) == .expired)
  }

  @Test func ageingLiftsWhatWaitsLong() {
    var bench = Bench(QueueConfiguration(maxWait: .milliseconds(100), leadershipLease: .seconds(99)))
    bench.enqueue(1, priority: 2)
    bench.pass(50)
    bench.enqueue(2, priority: 1)
    #expect(bench.queue.peek(lane: "main", limit: 2).map(\.id) == [2, 1])
    bench.pass(50)
    #expect(bench.queue.peek(lane: "main", limit: 2).map(\.id) == [1, 2], "equal levels: by arrival")
    #expect(bench.queue.job(1)?.priority == 2, "only its place changes")
    bench.pass(1_000)
    bench.enqueue(3, priority: 0)
    #expect(bench.queue.peek(lane: "main", limit: 3).map(\.id) == [1, 2, 3])
    #expect(bench.queue.counters.promoted > 0)
    #expect(bench.queue.invariantViolations() == [])
  }

  @Test func anOperatorBuriesWhateverIsNotFinished() {
    var bench = Bench(calm)
    let leader = bench.lead(1)
    for id in 1...3 { bench.enqueue(id) }
    bench.enqueue(4, notBefore: 1_000)
    #expect(bench.lease(leader) == [1])
    for id in [1, 2, 4, 4] {
      #expect(bench.write(bench.queue.bury(id, reason: "held", now: bench.now)) == .buried)
      #expect(bench.queue.job(id)?.reason == "held" && bench.queue.job(id)?.lease == nil)
    }
    #expect(bench.ack(1, leader) == .notLeased(.buried), "the leader was overruled")
    #expect(bench.lease(leader, max: 9) == [3])
    #expect(bench.ack(3, leader) == .acked(late: false))
    #expect(bench.write(bench.queue.bury(3, reason: "", now: bench.now)) == .notLeased(.done))
    #expect(bench.write(bench.queue.bury(9, reason: "", now: bench.now)) == .unknown)
    #expect(bench.queue.counters.burials == [.byOperator: 3])
    #expect(bench.queue.invariantViolations() == [])
  }

  @Test func burialsAndStarvationAreCountedByTheirCause() {
    var bench = Bench(QueueConfiguration(deliveryLimit: 1, leadershipLease: .seconds(86_400)))
    let leader = bench.lead(1)
    for id in 1...4 { bench.enqueue(id) }
    bench.pass(59_999)
    #expect(bench.lease(leader) == [1])
    #expect(bench.nack(1, leader) == .buried(attempts: 1))
    #expect(bench.queue.counters.starved == 0)
    bench.pass(1)
    #expect(bench.lease(leader, for: 1_000) == [2])
    #expect(bench.queue.counters.starved == 1)
    bench.pass(1_000)
    #expect(bench.lease(leader) == [3])
    #expect(bench.write(bench.queue.bury(3, leader, reason: "", now: bench.now)) == .buried)
    #expect(bench.lease(leader) == [4])
    _ = bench.lead(2)
    #expect(
      bench.queue.counters.burials == [.attempts: 1, .leaseExpired: 1, .permanent: 1, .leaderReplaced: 1])
  }

  /// One that nobody leads must not make the others' line grow for ever.
  @Test func theOldestIsKnownWhileOthersComeAndGo() {
    var bench = Bench(calm)
    let leader = bench.lead(1)
    bench.enqueue(0, lane: "nobody")
    for id in 1...5_000 {
      bench.milliseconds += 1
      bench.enqueue(id)
      #expect(bench.lease(leader) == [id])
      #expect(bench.ack(id, leader) == .acked(late: false))
    }
    #expect(bench.queue.stats(now: bench.now).oldestReadyAge == [5: .milliseconds(5_000)])
    #expect(bench.queue.invariantViolations() == [])
    bench.restart()
    #expect(bench.queue.stats(now: bench.now).oldestReadyAge == [5: .milliseconds(5_000)])
    #expect(bench.write(bench.queue.cancel(0, reason: "", now: bench.now)) == .cancelled)
    #expect(bench.queue.stats(now: bench.now).oldestReadyAge == [:])
  }

  @Test func statsTellCountsAndAges() {
    var bench = Bench(calm)
    bench.enqueue(1, priority: 3)
    bench.pass(40)
    bench.enqueue(2, priority: 3)
    bench.enqueue(3, priority: 8, notBefore: 1_000)
    let leader = bench.lead(1)
    var stats = bench.queue.stats(now: bench.now)
    #expect(stats.oldestReadyAge == [3: .milliseconds(40)])
    #expect(stats.byPriority[.ready]?[3] == 2 && stats.byPriority[.delayed]?[8] == 1)
    #expect(bench.lease(leader) == [1])
    _ = bench.ack(1, leader)
    stats = bench.queue.stats(now: bench.now)
    #expect(stats.byState[.done] == 1 && stats.byState[.ready] == 1 && stats.byState[.leased] == 0)
    #expect(stats.readyByLane == ["main": 1])
    #expect(stats.counters.leased == 1 && stats.counters.acked == 1 && stats.totals.enqueued == 3)
  }

  @Test func aTickDoesABoundedAmountOfWork() {
    var bench = Bench(QueueConfiguration(maxTickWork: 2))
    for id in 1...5 { bench.enqueue(id, notBefore: 10) }
    #expect(bench.pass(10).becameReady == [1, 2])
    #expect(bench.queue.nextDeadline(now: bench.now) == .zero)
    #expect(bench.pass(0).becameReady == [3, 4])
    #expect(bench.pass(0).becameReady == [5])
    #expect(bench.queue.nextDeadline(now: bench.now) == nil)
  }

  @Test func reasonsAreCut() {
    var bench = Bench(QueueConfiguration(maxReasonLength: 4))
    bench.enqueue(1)
    _ = bench.write(bench.queue.cancel(1, reason: "far too long", now: bench.now))
    #expect(bench.rows[1]?.reason == "far ")
  }
}
