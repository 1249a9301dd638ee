import DaemonKit
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

/// The `Session` stream.
struct SessionTests {
  private static let process = "transaction-verification"

  @Test func callsOfOneMessageAreAnsweredInOne() async throws {
    let good = try example("order.json")
    let expired = try example("order-expired-card.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let replies = try await role.converse([
        call(1, .check(checkRequest(["a", "b", "c"], good))),
        call(2, .check(checkRequest(["z"], good))),
        call(9, .check(checkRequest(["a", "b", "c"], expired))),
        Ordersd_V1_CheckCall.with { $0.correlationID = 10 },
      ])
      #expect(replies.count == 1)
      let answers = byID(replies)
      #expect(answers.keys.sorted() == [1, 2, 9, 10])
      #expect(answers[1]?.check.results.map(\.outcome) == [.passed, .passed, .passed])
      #expect(answers[2]?.error.code == "invalid_argument")
      #expect(answers[2]?.error.message.contains("'a', 'b', 'c'") == true)
      #expect(answers[2]?.error.retryable == false)
      #expect(answers[9]?.check.results.last?.findings.first?.code == "card_expired")
      #expect(answers[10]?.error.code == "invalid_argument")
    }
  }

  /// What is found in these is more than a message may hold.
  @Test func answersWithMuchInThemComeInSeveralMessages() async throws {
    var order = try example("order.json")
    order.items = (0..<100).map { number in
      OrderItem(sku: String(repeating: "long", count: 14) + "-\(number)", quantity: 1)
    }
    let request = checkRequest(["a"], order)
    try await withRole(Self.process, transactionVerification()) { role in
      let calls = (0..<80).map { number in
        call(
          UInt64(number),
          .check(
            .with {
              $0 = request
              $0.orderID = newOrderID().description
            }))
      }
      let replies = try await role.converse(calls) { soFar in soFar.count == calls.count ? nil : [] }
      let answers = byID(replies)
      #expect(answers.count == calls.count)
      #expect(answers.values.allSatisfy { $0.check.results.first?.findings.count == 100 })
      let sizes = try replies.map { reply -> Int in
        let bytes: [UInt8] = try reply.serializedBytes()
        return bytes.count
      }
      #expect(sizes.reduce(0, +) > MessageSize.limit && sizes.allSatisfy { $0 <= MessageSize.limit })
    }
  }

  @Test func manyOrdersAreInterleavedOnOneStream() async throws {
    let order = try example("order.json")
    let ids = (0..<40).map { _ in newOrderID() }
    try await withRole(Self.process, transactionVerification()) { role in
      let first = ids.enumerated().map {
        call(UInt64($0.offset), .check(checkRequest(["a", "b"], order, id: $0.element)))
      }
      let replies = try await role.converse(first) { soFar in
        switch soFar.count {
        case 40:
          // The card's check and the end of every order go out together.
          return soFar.flatMap { answer -> [Ordersd_V1_CheckCall] in
            let index = Int(answer.correlationID)
            let request = Ordersd_V1_CheckRequest.with {
              $0 = checkRequest(["c"], order, id: ids[index])
              $0.clock = answer.check.clock
            }
            return [call(UInt64(100 + index), .check(request))]
          }
        case 80:
          return soFar.suffix(40).map { answer in
            let settle = Ordersd_V1_SettleRequest.with {
              $0.orderID = answer.check.orderID
              $0.finalClock = answer.check.clock
            }
            return call(answer.correlationID + 100, .settle(settle))
          }
        case 120: return nil
        default: return []
        }
      }
      let answers = byID(replies)
      #expect(answers.count == 120)
      for index in 0..<UInt64(40) {
        #expect(answers[index]?.check.orderID == ids[Int(index)].description)
        #expect(answers[100 + index]?.check.results.map(\.outcome) == [.passed])
        #expect(answers[200 + index]?.settle.verdict == .consistent)
      }
      #expect(await role.report().details["unsettledOrders"] == 0)
    }
  }

  @Test func aCancelledOrderIsAnsweredAtOnceAndLeavesNoTrace() async throws {
    let order = try example("order.json")
    let id = newOrderID()
    let build = transactionVerification(["transaction-verification.fault-delay": "30s"])
    try await withRole(Self.process, build) { role in
      let replies = try await role.converse([
        call(1, .check(checkRequest(["a"], order, id: id))), cancelCall(2, order: id.description),
      ])
      let answers = byID(replies)
      #expect(answers.count == 1)
      #expect(answers[1]?.error.code == "cancelled")
      #expect(await role.report().details["unsettledOrders"] == 0)
    }
  }

  @Test func settlingDropsWhatStillWaits() async throws {
    let order = try example("order.json")
    let id = newOrderID()
    let build = transactionVerification(["transaction-verification.fault-delay": "30s"])
    try await withRole(Self.process, build) { role in
      let answers = byID(
        try await role.converse([
          call(1, .check(checkRequest(["a"], order, id: id))),
          call(2, .settle(settleRequest(id, VectorClock()))),
        ]))
      #expect(answers[1]?.error.code == "cancelled")
      #expect(answers[2]?.settle.verdict == .unknown)
    }
  }

  @Test func tooManyOpenCallsAreOverload() async throws {
    let order = try example("order.json")
    let id = newOrderID()
    let build = transactionVerification(["transaction-verification.fault-delay": "30s"])
    let check = checkRequest(["a"], order, id: id)
    try await withRole(Self.process, build) { role in
      let full = (0..<UInt64(1_024)).map { call($0, .check(check)) }
      // The settle's answer tells that the first message has been read.
      let settle = call(5_000, .settle(settleRequest(newOrderID(), VectorClock())))
      let replies = try await role.converse(full.dropLast() + [settle]) { soFar in
        switch soFar.count {
        case 1: (2_000..<UInt64(2_004)).map { call($0, .check(check)) } + [call(0, .check(check))]
        case 5: [cancelCall(0, order: id.description)]
        case 5 + 1_024: nil
        default: []
        }
      }
      let answers = replies.flatMap(\.answers)
      let codes = Dictionary(grouping: answers.filter { $0.correlationID != 5_000 }) { $0.error.code }
      #expect(codes["overloaded"]?.map(\.correlationID) == [2_001, 2_002, 2_003, 0])
      #expect(codes["overloaded"]?.allSatisfy(\.error.retryable) == true)
      #expect(codes["cancelled"]?.count == 1_024)
    }
  }

  @Test func anIDThatIsOpenIsRefused() async throws {
    let order = try example("order.json")
    let id = newOrderID()
    let build = transactionVerification(["transaction-verification.fault-delay": "30s"])
    try await withRole(Self.process, build) { role in
      let check = call(7, .check(checkRequest(["a"], order, id: id)))
      let replies = try await role.converse([check, check]) { soFar in
        soFar.count == 1 ? [cancelCall(0, order: id.description)] : nil
      }
      #expect(replies.flatMap(\.answers).map(\.error.code) == ["invalid_argument", "cancelled"])
    }
  }

  @Test func heldBackAnswersComeAfterTheHalfClose() async throws {
    let order = try example("order.json")
    let build = transactionVerification(["transaction-verification.fault-delay": "1s"])
    try await withRole(Self.process, build) { role in
      let settle = call(2, .settle(settleRequest(newOrderID(), VectorClock())))
      let replies = try await role.converse([call(1, .check(checkRequest(["a"], order))), settle]) { _ in nil
      }
      // The settle is answered at once, and the stream half-closed on it. (A machine that is busy for longer than the
      // delay sends both in one message.)
      #expect(replies.flatMap(\.answers).map(\.correlationID) == [2, 1])
    }
  }

  @Test func tooManyCallsInOneMessageEndTheStream() async throws {
    try await withRole(Self.process, transactionVerification()) { role in
      let calls = (0..<UInt64(1_025)).map { cancelCall($0, order: "") }
      let error = await #expect(throws: ServiceError.self) { try await role.converse(calls) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message == "calls: at most 1024 in one message, not 1025")
    }
  }

  @Test func anIdleSessionDoesNotHoldUpTheStop() async throws {
    let order = try example("order.json")
    try await withRole(Self.process, transactionVerification()) { role in
      let clock = ContinuousClock()
      let start = clock.now
      let error = await #expect(throws: ServiceError.self) {
        try await role.converse([call(1, .check(checkRequest(["a"], order)))]) { _ in
          await role.stop()
          return []
        }
      }
      #expect(error?.code == .stopping)
      await role.stopped()
      #expect(clock.now - start < .seconds(2))
    }
  }

  @Test func aClientThatGoesAwayEndsItsStream() async throws {
    let order = try example("order.json")
    let build = transactionVerification(["transaction-verification.fault-delay": "30s"])
    try await withRole(Self.process, build) { role in
      let clock = ContinuousClock()
      let start = clock.now
      let settle = call(2, .settle(settleRequest(newOrderID(), VectorClock())))
      let answers = try await role.leaveAfterFirstReply([call(1, .check(checkRequest(["a"], order))), settle])
      #expect(answers.map(\.correlationID) == [2])
      await role.stop()
      await role.stopped()
      #expect(clock.now - start < .seconds(2))
    }
  }

  private func byID(_ replies: [Ordersd_V1_CheckSessionReply]) -> [UInt64: Ordersd_V1_CheckAnswer] {
    Dictionary(
      replies.flatMap(\.answers).map { ($0.correlationID, $0) }, uniquingKeysWith: { first, _ in first })
  }
}
