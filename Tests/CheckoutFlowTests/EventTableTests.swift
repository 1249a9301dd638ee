import CheckoutFlow
import Testing

/// Which tables can be run.
struct EventTableTests {
  private static let g = CheckoutEvent("g", "enqueue", at: "q", after: ["a"], kind: .handoff)
  private static let a = CheckoutEvent("a", "first", at: "x")

  @Test func theStandardTableIsValid() {
    #expect(EventTable(EventTable.checkout.events) == .checkout)
    #expect(EventTable.checkout.events.map(\.id) == ["a", "b", "c", "d", "e", "f", "g"])
    #expect(EventTable.checkout["e"]?.after == ["c", "d"])
    #expect(EventTable.checkout["z"] == nil)
  }

  @Test func aHandoffMayWaitForOthersByWayOfTheLast() {
    let c = CheckoutEvent("c", "last", at: "x", after: ["a"])
    #expect(
      EventTable([Self.a, c, CheckoutEvent("g", "enqueue", at: "q", after: ["c"], kind: .handoff)]) != nil)
  }

  @Test(
    arguments: [
      ("an id that stands twice", [a, a, g]),
      ("a predecessor that is not there", [CheckoutEvent("a", "first", at: "x", after: ["z"]), g]),
      ("a predecessor that stands later", [CheckoutEvent("b", "b", at: "x", after: ["a"]), a, g]),
      ("an event that waits for itself", [CheckoutEvent("a", "first", at: "x", after: ["a"]), g]),
      ("no handoff", [a]),
      ("nothing", []),
      ("two handoffs", [a, g, CheckoutEvent("h", "enqueue again", at: "q", after: ["a"], kind: .handoff)]),
      (
        "an event after the handoff",
        [a, g, CheckoutEvent("f", "suggest", at: "s", after: ["a"], kind: .advisory)]
      ),
      (
        "a handoff that waits for an advisory event",
        [
          a, CheckoutEvent("f", "suggest", at: "s", kind: .advisory),
          CheckoutEvent("g", "enqueue", at: "q", after: ["a", "f"], kind: .handoff),
        ]
      ),
      (
        "a required event that waits for an advisory one",
        [
          CheckoutEvent("f", "suggest", at: "s", kind: .advisory),
          CheckoutEvent("a", "a", at: "x", after: ["f"]), g,
        ]
      ),
      ("a required event that the handoff does not wait for", [a, CheckoutEvent("b", "b", at: "x"), g]),
    ] as [(String, [CheckoutEvent])])
  func aTableUnderWhichACheckoutCouldGoWrongIsRefused(_ what: String, _ events: [CheckoutEvent]) {
    #expect(EventTable(events) == nil, "\(what)")
  }
}
