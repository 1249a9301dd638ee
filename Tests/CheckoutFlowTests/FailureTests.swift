import CheckoutFlow
import CoreTime
import OrderDomain
import Testing
import VectorClock

/// What a checkout makes of failures, silence and nonsense.
struct FailureTests {
  private var services = StandardServices()

  private mutating func run(failing: [String: Finding]) -> Checkout {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification, failing: failing)
    if checkout.decision == nil { checkout.answer(by: &services.fraud, failing: failing) }
    return checkout
  }

  @Test(arguments: [
    ("a", "verify items", "transaction-verification"), ("b", "verify buyer", "transaction-verification"),
    ("c", "verify payment card", "transaction-verification"), ("d", "screen buyer", "fraud-detection"),
    ("e", "screen payment", "fraud-detection"),
  ])
  mutating func aFailedEventDecides(_ id: String, _ name: String, _ service: String) throws {
    let finding = Finding(
      code: "card_expired", field: "/payment/card/expiry", message: "the card has expired")
    var checkout = run(failing: [id: finding])
    let rejection = try #require(checkout.decision?.rejection)
    #expect(rejection.event.id == id && rejection.event.name == name)
    #expect(rejection.service == service)
    #expect(rejection.code == "card_expired" && rejection.reason == "the card has expired")
    #expect(rejection.findings == [finding])
    #expect(!rejection.retryable)
    #expect(checkout.decision?.suggestionsDegraded == true, "they had not come yet")
    let asked = checkout.effects.asked
    #expect(asked.contains { $0.hasPrefix("fraud-detection") } == (service == "fraud-detection"))
    #expect(
      checkout.effects.settled == asked.map { String($0.prefix { $0 != ":" }) }.filter { $0 != "suggestions" }
    )
    let state = checkout.timeline.first { $0.event == id }
    #expect(state?.state == "failed" && state?.reason == "card_expired: the card has expired")
    // The rest is cancelled: what still comes changes nothing.
    let clock = checkout.flow.clock
    #expect(checkout.answer(by: &services.suggestions).isEmpty)
    #expect(checkout.feed(.timerFired, at: 9_999).isEmpty)
    #expect(checkout.flow.clock == clock)
  }

  @Test mutating func theFirstFailedEventOfTheTableDecides() {
    let checkout = run(failing: [
      "b": Finding(code: "email_malformed", field: "/customer/email", message: "m"),
      "a": Finding(code: "item_unknown", field: "/items/0/sku", message: "m"),
    ])
    #expect(checkout.decision?.rejection?.code == "item_unknown")
    #expect(checkout.timeline.map(\.state) == ["failed", "failed", "skipped"])
  }

  @Test func aFailureWithoutAFindingStillHasACode() {
    var checkout = Checkout()
    checkout.feed(.started)
    let result = EventResult(event: "a", outcome: .failed, clock: VectorClock())
    checkout.feed(.replied(service: "transaction-verification", results: [result], clock: VectorClock()))
    #expect(checkout.decision?.rejection?.code == "a_failed")
    #expect(checkout.decision?.rejection?.reason == "verify items failed")
  }

  @Test func aCallThatCameToNothingIsRetryable() {
    var checkout = Checkout()
    checkout.feed(.started)
    let last = checkout.feed(
      .callFailed(
        service: "transaction-verification", events: ["a", "b", "c"], code: "service_unavailable",
        message: "down"))
    let rejection = checkout.decision?.rejection
    #expect(rejection?.event.id == "a" && rejection?.service == "transaction-verification")
    #expect(
      rejection?.code == "service_unavailable" && rejection?.reason == "down" && rejection?.retryable == true)
    #expect(last.settled.isEmpty, "what the service knows may not have come back")
    #expect(checkout.timeline.map(\.state) == ["unavailable", "unavailable", "unavailable"])
  }

  // MARK: Suggestions

  @Test mutating func failedSuggestionsOnlyDegrade() {
    for outcome in ["failed", "call failed"] {
      services = StandardServices()
      var checkout = Checkout()
      checkout.feed(.started)
      checkout.answer(by: &services.verification)
      if outcome == "failed" {
        checkout.answer(
          by: &services.suggestions, failing: ["f": Finding(code: "x", field: "", message: "x")])
      } else {
        checkout.feed(
          .callFailed(service: "suggestions", events: ["f"], code: "service_unavailable", message: "down"))
      }
      #expect(checkout.decision == nil)
      checkout.answer(by: &services.fraud)
      #expect(checkout.decision?.verdict == .approved, "\(outcome)")
      #expect(checkout.decision?.suggestionsDegraded == true && checkout.decision?.suggestions == [])
    }
  }

  @Test mutating func silentSuggestionsAreGivenUpAtTheirDeadline() {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification, at: 100)
    checkout.answer(by: &services.fraud, at: 110)
    #expect(checkout.feed(.timerFired, at: 349).timers == [milliseconds(350)])
    #expect(checkout.decision == nil)
    let last = checkout.feed(.timerFired, at: 350)
    #expect(checkout.decision?.verdict == .approved && checkout.decision?.suggestionsDegraded == true)
    #expect(
      last.settled == ["transaction-verification", "fraud-detection"], "suggestions has not been joined")
    #expect(checkout.timeline.last?.state == "degraded")
  }

  @Test mutating func aLateAnswerIsIgnoredButItsClockIsJoined() {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification)
    checkout.feed(.timerFired, at: 250)
    #expect(checkout.decision == nil)
    checkout.answer(by: &services.suggestions, at: 300)
    let last = checkout.answer(by: &services.fraud, at: 310)
    #expect(checkout.decision?.suggestionsDegraded == true && checkout.decision?.suggestions == [])
    #expect(last.settled == ["transaction-verification", "fraud-detection", "suggestions"])
    #expect(services.suggestions.clock.isCovered(by: checkout.flow.clock))
  }

  @Test mutating func suggestionsHoldNothingUpPastTheOrdersDeadline() {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification, at: 1_900)
    let waiting = checkout.answer(by: &services.fraud, at: 1_950)
    #expect(waiting.timers == [milliseconds(2_000)])
    checkout.feed(.timerFired, at: 2_000)
    #expect(checkout.decision?.verdict == .approved)
    #expect(checkout.decision?.suggestionsDegraded == true)
  }

  @Test func anAdvisoryEventThatCanNeverFireHoldsNothingUp() throws {
    let table = try #require(
      EventTable([
        CheckoutEvent("a", "a", at: "x"), CheckoutEvent("f", "f", at: "s", kind: .advisory),
        CheckoutEvent("h", "h", at: "t", after: ["f"], kind: .advisory),
        CheckoutEvent("g", "g", at: "q", after: ["a"], kind: .handoff),
      ]))
    var checkout = Checkout(table: table)
    var x = SimulatedService("x")
    checkout.feed(.started)
    checkout.feed(.callFailed(service: "s", events: ["f"], code: "x", message: "x"))
    checkout.answer(by: &x)
    #expect(checkout.decision?.verdict == .approved)
    #expect(checkout.effects.asked == ["x:a", "s:f"])
  }

  // MARK: The order's deadline

  @Test func silenceIsRejectedAtTheOrdersDeadline() {
    var checkout = Checkout()
    checkout.feed(.started)
    #expect(checkout.feed(.timerFired, at: 1_999).decisions.isEmpty)
    checkout.feed(.timerFired, at: 2_000)
    let rejection = checkout.decision?.rejection
    #expect(rejection?.service == "transaction-verification" && rejection?.code == "service_unavailable")
    #expect(rejection?.retryable == true)
    #expect(rejection?.reason.contains("2.0 seconds") == true)
  }

  @Test mutating func nothingIsAskedWithNoTimeLeft() {
    var checkout = Checkout()
    checkout.feed(.started)
    let last = checkout.answer(by: &services.verification, at: 2_001)
    #expect(last.calls.isEmpty)
    #expect(checkout.decision?.rejection?.service == "fraud-detection")
    #expect(checkout.decision?.rejection?.retryable == true)
  }

  @Test func aMissingResultIsNotGuessed() {
    var checkout = Checkout()
    checkout.feed(.started)
    let a = EventResult(event: "a", outcome: .passed, clock: VectorClock())
    let c = EventResult(event: "c", outcome: .passed, clock: VectorClock())
    checkout.feed(.replied(service: "transaction-verification", results: [a, c], clock: VectorClock()))
    checkout.feed(.timerFired, at: 2_000)
    #expect(checkout.decision?.rejection?.event.id == "b")
    #expect(checkout.decision?.rejection?.retryable == true)
  }

  @Test func aSkipWithoutAReasonIsAFailureOfTheService() {
    var checkout = Checkout()
    checkout.feed(.started)
    let results = ["a", "b", "c"].map { id in
      EventResult(event: id, outcome: id == "c" ? .skipped : .passed, clock: VectorClock())
    }
    checkout.feed(.replied(service: "transaction-verification", results: results, clock: VectorClock()))
    let rejection = checkout.decision?.rejection
    #expect(
      rejection?.event.id == "c" && rejection?.code == "service_unavailable" && rejection?.retryable == true)
  }

  // MARK: Doubled, late, foreign

  @Test mutating func doubledResultsChangeNothing() {
    var checkout = Checkout()
    let first = checkout.feed(.started).calls[0]
    let reply = services.verification.carryOut(first, table: .checkout)
    checkout.feed(reply)
    #expect(checkout.feed(reply).calls.isEmpty)
    #expect(checkout.timeline.count == 3)
    checkout.answer(by: &services.suggestions)
    let last = checkout.answer(by: &services.fraud)
    #expect(last.settled == ["transaction-verification", "fraud-detection", "suggestions"])
  }

  @Test func aDoubledReplyDoesNotStandForAnotherCallOfItsService() throws {
    let table = try #require(
      EventTable([
        CheckoutEvent("a", "a", at: "x"), CheckoutEvent("b", "b", at: "y"),
        CheckoutEvent("f", "f", at: "x", after: ["b"], kind: .advisory),
        CheckoutEvent("g", "g", at: "q", after: ["a", "b"], kind: .handoff),
      ]))
    var checkout = Checkout(table: table)
    var (x, y) = (SimulatedService("x"), SimulatedService("y"))
    let first = checkout.feed(.started).calls[0]
    let reply = x.carryOut(first, table: table)
    checkout.feed(reply)
    checkout.answer(by: &y)
    checkout.feed(reply)
    let last = checkout.feed(.timerFired, at: 250)
    #expect(checkout.decision?.verdict == .approved)
    #expect(last.settled == ["y"], "the answer to f is still out")
  }

  @Test mutating func foreignResultsChangeNothing() {
    var checkout = Checkout()
    checkout.feed(.started)
    let results = ["a", "e", "z", "g"].map { EventResult(event: $0, outcome: .failed, clock: VectorClock()) }
    checkout.feed(.replied(service: "fraud-detection", results: results, clock: VectorClock()))
    checkout.feed(.callFailed(service: "fraud-detection", events: ["a", "z", "g"], code: "x", message: "x"))
    #expect(checkout.decision == nil && checkout.timeline.isEmpty)
    #expect(checkout.answer(by: &services.verification).asked == ["fraud-detection:de", "suggestions:f"])
  }
}
