import DaemonKit
import OrderProtos
import OrderWire
import Testing
import VectorClock

/// Vector clocks of the checks, and what `Settle` makes of them.
struct ClockTests {
  private static let process = "transaction-verification"

  @Test func everyReceiptEventAndSendTakesOneTick() async throws {
    let order = try example("order.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let sent = VectorClock(["orchestrator": 7, "suggestions": 2])
      let reply = try await role.verify(checkRequest(["a", "b", "c"], order, clock: sent))
      let events = try reply.results.map { try VectorClock($0.clock) }
      let answered = try VectorClock(reply.clock)
      #expect(events.map { $0[Self.process] } == [2, 3, 4])
      #expect(answered[Self.process] == 5)
      #expect(answered["orchestrator"] == 7 && answered["suggestions"] == 2)
      for event in events {
        #expect(sent.happenedBefore(event))
        #expect(event.happenedBefore(answered))
      }
      #expect(events[0].happenedBefore(events[2]))
    }
  }

  @Test func clocksOfOneOrderGoOnAndThoseOfTwoAreApart() async throws {
    let order = try example("order.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let id = newOrderID()
      let first = try VectorClock(try await role.verify(checkRequest(["a"], order, id: id)).clock)
      // The second message was sent without knowing of the first one's reply.
      let second = try VectorClock(try await role.verify(checkRequest(["b"], order, id: id)).clock)
      #expect(first.happenedBefore(second))
      #expect(second[Self.process] == 6)
      let other = try VectorClock(try await role.verify(checkRequest(["a"], order)).clock)
      #expect(other[Self.process] == 3)
    }
  }

  @Test func skippedEventsAndRefusedRequestsTakeNoTick() async throws {
    let order = try example("order-unknown-item.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let id = newOrderID()
      await #expect(throws: ServiceError.self) { try await role.verify(checkRequest(["z"], order, id: id)) }
      let reply = try await role.verify(checkRequest(["a", "c"], order, id: id))
      #expect(reply.results.map(\.outcome) == [.failed, .skipped])
      #expect(try VectorClock(reply.clock)[Self.process] == 3)
    }
  }

  @Test func settlingForgetsTheOrderAndComparesTheClocks() async throws {
    let order = try example("order.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let id = newOrderID()
      let clock = try VectorClock(try await role.verify(checkRequest(["a"], order, id: id)).clock)
      var final = clock
      final.receive(clock, at: "orchestrator")
      let settled = try await role.settle(settleRequest(id, final))
      #expect(settled.verdict == .consistent)
      #expect(try VectorClock(settled.clock) == clock)
      #expect(try await role.settle(settleRequest(id, final)).verdict == .unknown)

      let lost = newOrderID()
      _ = try await role.verify(checkRequest(["a"], order, id: lost))
      let violation = try await role.settle(settleRequest(lost, VectorClock(["orchestrator": 9])))
      #expect(violation.verdict == .violation)
      let line = role.log.lines.first { $0.hasPrefix("warning Causality violation.") }
      #expect(line?.contains("order_id=\(lost)") == true)
      #expect(line?.contains("clock={orchestrator:3 transaction-verification:3}") == true)
      #expect(line?.contains("final_clock={orchestrator:9}") == true)
      #expect(await role.report().details["causalityViolations"] == 1)
      #expect(await role.report().details["unsettledOrders"] == 0)
    }
  }
}
