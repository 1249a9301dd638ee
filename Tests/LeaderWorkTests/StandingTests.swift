import CoreTime
import LeaderWork
import Testing

@Suite struct StandingTests {
  private static let none: [UInt64] = []

  @Test func whoNeitherLeadsNorActsIsAtRest() {
    #expect(Standing(led: nil, executing: Self.none, trusted: nil) == .atRest)
  }

  @Test func aTrustedEpochBacksWhatIsDoneUnderIt() {
    #expect(Standing(led: 7, executing: [7, 7], trusted: 7) == .backed)
    #expect(Standing(led: 7, executing: Self.none, trusted: 7) == .backed)
    // The election has handed over already, and what it led with is not given back yet.
    #expect(Standing(led: nil, executing: [7], trusted: 7) == .backed)
  }

  @Test func whoLeadsWithoutTrustIsUnbacked() {
    #expect(Standing(led: 7, executing: Self.none, trusted: nil) == .unbacked)
    #expect(Standing(led: 7, executing: Self.none, trusted: 8) == .unbacked)
  }

  @Test func whoCarriesSomethingOutWithoutTrustIsUnbacked() {
    #expect(Standing(led: nil, executing: [7], trusted: nil) == .unbacked)
    // A new epoch does not back what was begun under the one before.
    #expect(Standing(led: 8, executing: [8, 7], trusted: 8) == .unbacked)
  }

  /// Cut off from the queue: the end of the trust window ends what it does, and it is at rest.
  @Test func aLeaderThatIsCutOffComesToRest() {
    var work = LeaderWork<String>(seed: 1)
    func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }
    _ = work.step(.lead(term: 1), now: at(0))
    _ = work.step(.claimAnswered(call: 1, .granted(epoch: 7, lease: .seconds(3))), now: at(0))
    _ = work.step(
      .delivered(stream: 1, WorkDelivery(order: "a", attempt: 1, lease: .seconds(4))), now: at(10))
    #expect(work.standing(led: 7, executing: [7], at: at(2_400)) == .backed)
    // Nobody has told the machine of the time yet.
    #expect(work.standing(led: 7, executing: [7], at: at(2_600)) == .unbacked)
    #expect(work.step(.timerFired, now: at(2_600)).contains(.queueLost))
    // The election still believes it, and the order has yet to end.
    #expect(work.standing(led: 7, executing: [7], at: at(2_600)) == .unbacked)
    #expect(work.standing(led: nil, executing: [7], at: at(2_700)) == .unbacked)
    #expect(work.standing(led: nil, executing: Self.none, at: at(2_800)) == .atRest)
  }
}
