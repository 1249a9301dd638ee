import CoreTime
import LeaderWork
import Testing

@Suite struct TrustWindowTests {
  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  @Test func endsBeforeTheLeaseDoes() {
    let window = TrustWindow(start: at(1_000), lease: .seconds(3))
    #expect(window.until == at(3_500))
    #expect(window.isTrusted(at: at(3_499)))
    #expect(!window.isTrusted(at: at(3_500)))
  }

  @Test func theMarginIsASixthAndAtMostASecond() {
    #expect(TrustWindow.margin(of: .seconds(3)) == .milliseconds(500))
    #expect(TrustWindow.margin(of: .seconds(60)) == .seconds(1))
  }

  @Test func isRenewedAtAThird() {
    let window = TrustWindow(start: at(0), lease: .seconds(3))
    #expect(window.renewalDueAt == at(1_000))
  }

  @Test func countsFromTheSendingOfTheRenewalAndNotFromItsAnswer() {
    var window = TrustWindow(start: at(0), lease: .seconds(3))
    window.renewalSent(at: at(1_000))
    #expect(window.renewalDueAt == nil, "one at a time: the answers could not be told apart")
    // The answer came at 2.4 s; that does not count.
    window.renewed(lease: .seconds(3))
    #expect(window.until == at(3_500))
    #expect(window.renewalDueAt == at(2_000))
  }

  @Test func anAnswerWithoutARenewalExtendsNothing() {
    var window = TrustWindow(start: at(0), lease: .seconds(3))
    window.renewed(lease: .seconds(60))
    #expect(window.until == at(2_500))
    window.renewalSent(at: at(1_000))
    window.renewalLost()
    window.renewed(lease: .seconds(60))
    #expect(window.until == at(2_500))
  }

  @Test func aShorterLeaseDoesNotCutWhatWasGranted() {
    var window = TrustWindow(start: at(0), lease: .seconds(3))
    window.renewalSent(at: at(1_000))
    window.renewed(lease: .milliseconds(600))
    #expect(window.until == at(2_500))
    #expect(window.lease == .milliseconds(600))
  }
}
