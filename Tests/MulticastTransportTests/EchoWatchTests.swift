import NIOCore
import Testing

@testable import MulticastTransport

@Suite struct EchoWatchTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

  private func at(_ milliseconds: Int64) -> NIODeadline { Self.start + .milliseconds(milliseconds) }

  private struct Reopened: Equatable {
    var at: Int64
    var verdict: EchoWatch.Verdict
  }

  /// Sends a datagram every 100 ms from `from` on, until told to open the socket again; when that was (ms).
  private func untilReopened(
    _ watch: inout EchoWatch, from: Int64 = 0, failing: Bool = false
  ) -> Reopened? {
    for time in stride(from: from, to: from + 120_000, by: 100) {
      let bytes = [UInt8(truncatingIfNeeded: time / 100)]
      let verdict = failing ? watch.failed(now: at(time)) : watch.sent(bytes, now: at(time))
      if verdict != .well { return Reopened(at: time, verdict: verdict) }
    }
    return nil
  }

  @Test func twentyWithoutAnEchoOpenItAgain() throws {
    var watch = EchoWatch(hasEcho: true)
    let found = untilReopened(&watch)
    let reopened = try #require(found)
    #expect(reopened.at == 1_900)
    #expect(reopened.verdict == .reopen(isNews: true))
  }

  @Test func anEchoOfAnyOfTheLastIsEnough() {
    var watch = EchoWatch(hasEcho: true)
    for number in 0..<100 {
      let verdict = watch.sent([UInt8(number)], now: at(Int64(number) * 100))
      #expect(verdict == .well)
      // Every fifteenth comes back, and that late; what others say does not count.
      let isNews = watch.received([number % 15 == 14 ? UInt8(number - 10) : 255])
      #expect(!isNews, "it was never deaf")
    }
  }

  @Test func aBurstWaitsForItsEchoes() {
    var watch = EchoWatch(hasEcho: true)
    for number in 0..<200 {
      let verdict = watch.sent([UInt8(number)], now: at(0))
      #expect(verdict == .well)
    }
    let early = watch.sent([200], now: at(999))
    let late = watch.sent([201], now: at(1_000))
    #expect(early == .well)
    #expect(late == .reopen(isNews: true))
  }

  @Test func openingItInVainIsTriedEverMoreSeldomAndSaidOnce() throws {
    var watch = EchoWatch(hasEcho: true)
    var (last, pauses): (Int64, [Int64]) = (0, [])
    for attempt in 0..<8 {
      let found = untilReopened(&watch, from: last)
      let reopened = try #require(found)
      #expect(reopened.verdict == .reopen(isNews: attempt == 0))
      pauses.append(reopened.at - last)
      last = reopened.at
      // What opening it again begins with.
      watch.lost()
    }
    #expect(pauses == [1_900, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    _ = watch.sent([1], now: at(last))
    let first = watch.received([1])
    #expect(first, "that it works again is news")
    _ = watch.sent([2], now: at(last))
    let second = watch.received([2])
    #expect(!second)
    let again = untilReopened(&watch, from: last)
    #expect(again?.verdict == .reopen(isNews: true))
  }

  @Test func withoutEchoesOnlyFailuresInARowCount() {
    var watch = EchoWatch(hasEcho: false)
    let never = untilReopened(&watch)
    #expect(never == nil)
    for time in stride(from: Int64(0), to: 10_000, by: 100) {
      let isSent = time % 1_500 == 0
      let verdict = isSent ? watch.sent([1], now: at(time)) : watch.failed(now: at(time))
      #expect(verdict == .well)
    }
    _ = watch.sent([1], now: at(10_000))
    let failed = untilReopened(&watch, from: 10_000, failing: true)
    #expect(failed?.at == 11_900)
  }

  @Test func failuresAndSilenceAddUp() {
    var watch = EchoWatch(hasEcho: true)
    for number in 0..<19 {
      let time = at(Int64(number) * 100)
      let verdict = number % 2 == 0 ? watch.failed(now: time) : watch.sent([1], now: time)
      #expect(verdict == .well)
    }
    let last = watch.failed(now: at(1_900))
    #expect(last == .reopen(isNews: true))
  }
}
