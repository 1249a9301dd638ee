import CoreTime
import PriorityQueue
import Testing

/// Queues that are larger than one piece of a column, and what is left of them.
@Suite struct TableTests {
  private static let count = 5_000

  private func filled() -> Bench {
    var bench = Bench(QueueConfiguration(capacity: Self.count + 1, maxWait: .seconds(3_600)))
    for id in 0..<Self.count {
      bench.milliseconds += 1
      let notBefore = id % 7 == 0 ? bench.milliseconds + 1_000_000 : nil
      let expiresAt = id % 5 == 0 ? bench.milliseconds + 2_000_000 : nil
      #expect(
        bench.enqueue(
          id, priority: id * 31 % 10, lane: id % 3 == 0 ? "east" : "main", notBefore: notBefore,
          expiresAt: expiresAt) == .enqueued(notBefore == nil ? .ready : .delayed))
    }
    return bench
  }

  @Test func thousandsOfJobsAreHandedOutInOrderAndLeaveNothingBehind() {
    var bench = filled()
    #expect(bench.queue.invariantViolations() == [])
    bench.pass(1_000_000)
    #expect(bench.queue.readyCount(lane: "main") + bench.queue.readyCount(lane: "east") == Self.count)
    for lane in ["main", "east"] {
      let leader = bench.lead(1, lane: lane)
      var last: (Int, Int)?
      while case let batch = bench.lease(leader, max: 256) ?? [], !batch.isEmpty {
        for id in batch {
          // Ageing has brought none further: all waited for less than an hour.
          let place = (id * 31 % 10, id)
          if let last { #expect(last < place) }
          last = place
          #expect(bench.ack(id, leader) == .acked(late: false))
        }
        bench.milliseconds += 1
        _ = bench.queue.renew(leader, now: bench.now)
      }
    }
    #expect(bench.queue.totals.done == Self.count)
    #expect(bench.queue.invariantViolations() == [])
    #expect(bench.enqueue(Self.count, priority: 3) == .enqueued(.ready))
    #expect(bench.queue.peek(lane: "main", limit: 2).map(\.id) == [Self.count])
    #expect(bench.queue.invariantViolations() == [])
  }

  @Test func aRestartKeepsTheOrderOfThousands() {
    var bench = filled()
    let leader = bench.lead(1)
    let held = bench.lease(leader, max: 200) ?? []
    #expect(held.count == 200)
    for id in held.prefix(50) { _ = bench.nack(id, leader, delay: 5_000) }
    for id in held.prefix(100).suffix(50) {
      #expect(bench.write(bench.queue.bury(id, leader, reason: "no \(id)", now: bench.now)) == .buried)
    }
    let before = bench.queue
    bench.restart()
    #expect(bench.queue.invariantViolations() == [])
    for lane in ["main", "east"] {
      #expect(
        bench.queue.peek(lane: lane, limit: Self.count).map(\.id)
          == before.peek(lane: lane, limit: Self.count).map(\.id))
    }
    for state in [JobState.delayed, .leased, .buried] {
      for limit in [7, Self.count] {
        #expect(Set(bench.queue.list(state, limit: limit)) == Set(before.list(state, limit: limit)))
      }
    }
    #expect(bench.queue.stats(now: bench.now).byPriority == before.stats(now: bench.now).byPriority)
  }

  @Test func jobsKeepWhatFewOfThemHave() throws {
    var bench = Bench()
    bench.enqueue(1, expiresAt: 9_000)
    bench.enqueue(2)
    bench.enqueue(3)
    let leader = bench.lead(4)
    #expect(bench.lease(leader, max: 2, for: 7_000) == [1, 2])
    for (id, row) in bench.rows { #expect(bench.queue.job(id) == row) }
    #expect(bench.queue.job(1)?.lease?.leader == leader && bench.queue.job(1)?.lease?.duration == .seconds(7))
    _ = bench.nack(1, leader, delay: 0)
    _ = bench.nack(2, leader, delay: 0)
    #expect(bench.queue.job(1)?.reason == "try later" && bench.queue.job(2)?.reason == "try later")
    #expect(bench.write(bench.queue.cancel(1, reason: "by the buyer", now: bench.now)) == .cancelled)
    #expect(bench.queue.job(2)?.reason == "try later" && bench.queue.job(3)?.reason == nil)
    bench.enqueue(4)
    #expect(bench.queue.job(4)?.reason == nil && bench.queue.job(4)?.expiresAt == nil)
    for (id, row) in bench.rows where !row.state.isFinal { #expect(bench.queue.job(id) == row) }
  }
}
