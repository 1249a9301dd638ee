import CoreTime
import PeerCalls
import Randomness
import Testing

@Suite struct CircuitBreakerTests {
  private static let settings = CircuitBreaker.Settings(
    failures: 3, pause: .milliseconds(100), longestPause: .milliseconds(400), probes: 2)

  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  /// One that has just opened, at time 0.
  private func opened() throws -> CircuitBreaker {
    var breaker = CircuitBreaker(Self.settings)
    for _ in 0..<3 { breaker.failed(try given(breaker.admit(now: at(0))), now: at(0)) }
    #expect(breaker.phase == .open)
    return breaker
  }

  @Test func failuresInARowOpenIt() throws {
    var breaker = CircuitBreaker(Self.settings)
    for isGood in [false, false, true, false, false] {
      let permit = try given(breaker.admit(now: at(0)))
      isGood ? breaker.succeeded(permit) : breaker.failed(permit, now: at(0))
    }
    #expect(breaker.phase == .closed, "an answer in between starts the count anew")
    breaker.failed(try given(breaker.admit(now: at(0))), now: at(0))
    #expect(breaker.phase == .open && breaker.openings == 1)
    let found1 = breaker.admit(now: at(99))
    #expect(found1 == nil && breaker.remainingPause(now: at(40)) == .milliseconds(60))
  }

  @Test func probesOneAtATimeCloseIt() throws {
    var breaker = try opened()
    let first = try given(breaker.admit(now: at(100)))
    #expect(first.isProbe && breaker.phase == .halfOpen)
    let found2 = breaker.admit(now: at(100))
    #expect(found2 == nil, "one probe at a time")
    breaker.succeeded(first)
    #expect(breaker.phase == .halfOpen)
    breaker.succeeded(try given(breaker.admit(now: at(101))))
    #expect(breaker.phase == .closed)
    let found3 = breaker.admit(now: at(101))
    #expect(found3?.isProbe == false)
  }

  @Test func aFailedProbeWaitsTwiceAsLongUpToTheLongest() throws {
    var breaker = try opened()
    var time: Int64 = 0
    for pause in [100, 200, 400, 400] as [Int64] {
      let found4 = breaker.admit(now: at(time + pause - 1))
      #expect(found4 == nil)
      time += pause
      breaker.failed(try given(breaker.admit(now: at(time))), now: at(time))
      #expect(breaker.phase == .open)
    }
  }

  @Test func aConnectionThatIsBackIsWorthAProbe() throws {
    var breaker = try opened()
    breaker.reconnected()
    #expect(breaker.phase == .halfOpen)
    let found5 = breaker.admit(now: at(1))
    #expect(try #require(found5).isProbe)
  }

  @Test func aWithdrawnProbeMakesRoomForAnother() throws {
    var breaker = try opened()
    breaker.withdrawn(try given(breaker.admit(now: at(100))))
    #expect(breaker.phase == .halfOpen)
    let found6 = breaker.admit(now: at(100))
    #expect(found6 != nil)
  }

  @Test func whatAnOlderPhaseLetPassSaysNothing() throws {
    var breaker = CircuitBreaker(Self.settings)
    let old = try (0..<6).map { _ in try given(breaker.admit(now: at(0))) }
    for permit in old.prefix(3) { breaker.failed(permit, now: at(0)) }
    breaker.succeeded(old[3])
    #expect(breaker.phase == .open, "a late answer does not close it")
    let probe = try given(breaker.admit(now: at(100)))
    breaker.failed(old[4], now: at(100))
    #expect(breaker.phase == .halfOpen, "a late failure is not the probe's")
    breaker.succeeded(probe)
    let found7 = breaker.admit(now: at(100))
    #expect(found7 != nil)
  }

  /// Over random calls: it refuses only when it is open or probing, lets one probe through at a time, never stays open
  /// for longer than the longest pause, and lets everything through again once the peer is well.
  @Test(arguments: 0..<300) func itHoldsForAnyRun(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var breaker = CircuitBreaker(Self.settings)
    var (time, openSince, openings) = (Int64(0), Int64(0), breaker.openings)
    var pending: [CircuitBreaker.Permit] = []
    for _ in 0..<500 {
      time += Int64.random(in: 0...40, using: &random)
      if let permit = breaker.admit(now: at(time)) {
        #expect(permit.isProbe == (breaker.phase == .halfOpen))
        pending.append(permit)
      } else {
        #expect(breaker.phase != .closed)
        if breaker.phase == .open { #expect(time - openSince <= 400) }
      }
      if Bool.random(using: &random), let index = pending.indices.randomElement(using: &random) {
        let permit = pending.remove(at: index)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: breaker.succeeded(permit)
        case 4..<9: breaker.failed(permit, now: at(time))
        default: breaker.withdrawn(permit)
        }
      }
      if breaker.openings > openings { (openSince, openings) = (time, breaker.openings) }
      // What gets no answer fails at its deadline.
      if pending.count > 20 {
        pending.prefix(10).forEach { breaker.failed($0, now: at(time)) }
        pending.removeFirst(10)
        if breaker.openings > openings { (openSince, openings) = (time, breaker.openings) }
      }
    }
    pending.forEach { breaker.failed($0, now: at(time)) }
    time += 400
    for _ in 0..<2 { breaker.admit(now: at(time)).map { breaker.succeeded($0) } }
    #expect(breaker.phase == .closed, "seed \(seed)")
  }
}

@Suite struct RetryBudgetTests {
  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  @Test func retriesAreAShareOfTheCalls() {
    var budget = RetryBudget(perSecond: 1)
    while budget.withdraw(now: at(0)) {}
    for _ in 0..<100 { budget.deposit() }
    var retries = 0
    while budget.withdraw(now: at(0)) { retries += 1 }
    #expect(retries == 20)
  }

  @Test func aTrickleComesWithTimeAndNoMoreThanTheLimit() {
    var budget = RetryBudget(perSecond: 10)
    while budget.withdraw(now: at(0)) {}
    let found8 = budget.withdraw(now: at(99))
    #expect(!found8)
    let found9 = budget.withdraw(now: at(200))
    #expect(found9)
    for _ in 0..<100_000 { budget.deposit() }
    #expect(budget.available == 200)
    let found10 = budget.withdraw(now: at(100))
    #expect(found10, "a clock that stands still or goes back takes nothing away")
  }
}
