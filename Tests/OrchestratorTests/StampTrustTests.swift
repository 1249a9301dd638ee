import CoreTime
import Testing

@testable import Orchestrator

/// When stamps of the wall clock tell an age.
@Suite struct StampTrustTests {
  private static let day = Duration.seconds(86_400)
  private static let start = (wall: Timestamp(milliseconds: 1_000_000_000), monotonic: Instant.zero)

  private func trust() -> StampTrust {
    StampTrust(lifetime: Self.day, wall: Self.start.wall, monotonic: Self.start.monotonic)
  }

  /// `after`: since the start; `set`: how far the wall clock was set by then.
  private func ask(_ trust: inout StampTrust, after time: Duration, set: Duration = .zero) -> Bool {
    trust.areTrusted(wall: Self.start.wall + time + set, monotonic: Self.start.monotonic + time)
  }

  @Test func theyAreOnceTheProcessHasRunForAWhile() {
    var trust = trust()
    #expect(!ask(&trust, after: .seconds(3_599)))
    #expect(ask(&trust, after: .seconds(3_600)))
    #expect(ask(&trust, after: .seconds(7_200), set: .seconds(299)), "a correction")
  }

  @Test(arguments: [Duration.seconds(86_400 * 2), .seconds(-86_400 * 2), .seconds(301)])
  func aClockThatWasSetMakesNothingOld(set: Duration) {
    var trust = trust()
    #expect(ask(&trust, after: .seconds(7_200)))
    #expect(!ask(&trust, after: .seconds(7_205), set: set))
    #expect(!ask(&trust, after: .seconds(7_205) + Self.day - .seconds(1), set: set))
    // Whatever was there when it was set is a day old by now.
    #expect(ask(&trust, after: .seconds(7_205) + Self.day, set: set))
  }
}
