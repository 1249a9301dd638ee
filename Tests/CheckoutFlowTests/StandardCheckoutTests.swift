import CheckoutFlow
import CoreTime
import OrderDomain
import Testing
import VectorClock

/// The checkout of DESIGN §3, step by step.
struct StandardCheckoutTests {
  private var services = StandardServices()

  @Test mutating func eventsOfOneServiceTravelTogether() {
    var checkout = Checkout()
    let first = checkout.feed(.started)
    #expect(first.asked == ["transaction-verification:abc"])
    #expect(first.calls.map(\.budget) == [.seconds(2)])
    #expect(first.timers == [milliseconds(2_000)])

    let second = checkout.answer(by: &services.verification, at: 100)
    #expect(second.asked == ["fraud-detection:de", "suggestions:f"])
    #expect(second.calls.map(\.budget) == [.milliseconds(1_900), .milliseconds(250)])
    #expect(second.timers == [milliseconds(350)])

    #expect(checkout.answer(by: &services.suggestions, at: 110).asked.isEmpty)
    let last = checkout.answer(by: &services.fraud, at: 120)
    #expect(checkout.decision?.verdict == .approved)
    #expect(checkout.decision?.suggestions == [SuggestedItem(sku: "book-emma", title: "Emma")])
    #expect(checkout.decision?.suggestionsDegraded == false)
    #expect(last.settled == ["transaction-verification", "fraud-detection", "suggestions"])
    #expect(last.timers.isEmpty && last.calls.isEmpty, "the handoff is the outbox's, not a call")
  }

  @Test mutating func whatWasFoundOfPassedEventsIsToldUpToALimit() {
    var checkout = Checkout()
    checkout.feed(.started)
    let flag = Finding(code: Finding.flaggedForReview, field: "", message: "look")
    let clock = VectorClock(["transaction-verification": 1])
    let results = ["a", "b", "c"].map { event in
      EventResult(
        event: event, outcome: .passed, clock: clock,
        findings: Array(repeating: flag, count: event == "b" ? 60 : 1))
    }
    checkout.feed(.replied(service: "transaction-verification", results: results, clock: clock))
    checkout.answer(by: &services.fraud)
    checkout.answer(by: &services.suggestions)
    #expect(checkout.decision?.verdict == .approved)
    #expect(checkout.decision?.findings == Array(repeating: flag, count: 50))
  }

  @Test mutating func everyEventHappensAfterThoseItWaitsFor() throws {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification)
    checkout.answer(by: &services.fraud)
    checkout.answer(by: &services.suggestions)
    let decision = try #require(checkout.decision)
    let clocks = Dictionary(uniqueKeysWithValues: checkout.timeline.map { ($0.event ?? "", $0.clock) })
    #expect(Set(clocks.keys) == ["a", "b", "c", "d", "e", "f"])
    for event in EventTable.checkout.events where event.kind != .handoff {
      let clock = try #require(clocks[event.id])
      for predecessor in event.after {
        #expect(clocks[predecessor]?.happenedBefore(clock) == true, "\(predecessor) before \(event.id)")
      }
      #expect(clock.happenedBefore(decision.clock))
      #expect(VectorClock([orchestrator: 2]).happenedBefore(clock), "the order's own past")
    }
    #expect(clocks["e"]?.relation(to: clocks["f"] ?? VectorClock()) == .concurrent)
    for service in [services.verification, services.fraud, services.suggestions] {
      #expect(service.clock.isCovered(by: decision.clock))
    }
    #expect(checkout.timeline.map(\.actor).prefix(3).allSatisfy { $0 == "transaction-verification" })
    #expect(checkout.timeline.allSatisfy { $0.state == "passed" })
  }

  @Test mutating func aTimelineIsHandedOverOnce() {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification)
    #expect(checkout.timeline.count == 3)
    #expect(checkout.flow.takeTimeline().isEmpty)
  }

  @Test mutating func anApprovalWaitsForTheAdvisoryEvent() {
    var checkout = Checkout()
    checkout.feed(.started)
    checkout.answer(by: &services.verification)
    checkout.answer(by: &services.fraud, at: 10)
    #expect(checkout.decision == nil)
    checkout.answer(by: &services.suggestions, at: 20)
    #expect(checkout.decision?.verdict == .approved)
  }

  @Test func nothingHappensBeforeTheStartAndItStartsOnce() {
    var checkout = Checkout()
    #expect(checkout.feed(.timerFired).isEmpty)
    #expect(
      checkout.feed(.replied(service: "suggestions", results: [], clock: VectorClock(["x": 9]))).isEmpty)
    #expect(
      checkout.feed(.callFailed(service: "suggestions", events: ["f"], code: "x", message: "x")).isEmpty)
    #expect(checkout.flow.clock == VectorClock([orchestrator: 2]))
    checkout.feed(.started)
    #expect(checkout.feed(.started).isEmpty)
  }
}
