import DaemonKit
import Testing

@Suite struct HeartbeatsTests {
  @Test func aLoopThatIsSilentForTooLongIsNamed() {
    let clock = ManualClock()
    let heartbeats = Heartbeats(clocks: clock.clocks)
    let writer = heartbeats.register("writer", longestSilence: .seconds(5))
    let reader = heartbeats.register("reader", longestSilence: .seconds(60))
    clock.advance(.seconds(5))
    #expect(heartbeats.stalled().isEmpty)
    clock.advance(.seconds(7))
    #expect(heartbeats.stalled() == ["writer (silent for 12s)"])
    writer.beat()
    #expect(heartbeats.stalled().isEmpty)
    reader.beat()
  }

  @Test func aLoopThatEndedOnPurposeIsNotMissed() {
    let clock = ManualClock()
    let heartbeats = Heartbeats(clocks: clock.clocks)
    let loop = heartbeats.register("loop", longestSilence: .seconds(1))
    loop.retire()
    clock.advance(.seconds(60))
    #expect(heartbeats.stalled().isEmpty)
  }
}
