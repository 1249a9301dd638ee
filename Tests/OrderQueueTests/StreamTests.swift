import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

@testable import OrderQueue

/// The long-lived streams.
@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
  @Test func workIsPushedAndSettledOnTheStream() async throws {
    try await withQueue { queue in
      let epoch = try await queue.claim(3, incarnation: 7).epoch
      let ids = (0..<20).map { _ in newOrderID() }
      try await queue.enqueue(ids[0])
      let executed = try await queue.work(epoch, executor: 3, incarnation: 7, credits: 4) { session in
        var acked: [String] = []
        for try await event in session.events {
          switch event.event {
          case .opened(let opened):
            #expect(opened.leadershipLeaseMs == 20_000)
            for id in ids.dropFirst() { try await queue.enqueue(id) }
          case .delivery(let delivery):
            #expect(delivery.epoch == epoch && delivery.attempt == 1)
            session.send(.with { $0.ack = ackRequest(delivery.orderID, epoch) }, credits(1))
          case .settled(let settled):
            #expect(settled.state == .done && !settled.hasError)
            #expect(settled.clock.components["executor-1"] == 2)
            acked.append(settled.orderID)
            if acked.count == ids.count { return acked }
          default: Issue.record("unexpected: \(event)")
          }
        }
        return acked
      }
      #expect(executed == ids)
      #expect(try await queue.stats().done == 20)
    }
  }

  /// A clock that cannot go on must not hold the lane up: an ack that was refused for it would come again for ever.
  @Test func anOutcomeIsTakenWhateverItsClock() async throws {
    try await withQueue { queue in
      let ids = [newOrderID(), newOrderID()]
      for id in ids {
        try await queue.enqueue(id) { $0.clock.components = ["executor-3": QueueLimit.clockCount] }
      }
      let epoch = try await queue.claim(3).epoch
      let settled = try await queue.work(epoch, executor: 3, incarnation: 1, credits: 2) { session in
        var settled: [Ordersd_V1_WorkSettled] = []
        for try await event in session.events {
          switch event.event {
          case .delivery(let delivery):
            var ack = ackRequest(delivery.orderID, epoch)
            ack.clock.components =
              delivery.orderID == ids[0]
              ? ["executor-3": QueueLimit.clockCount + 1]
              : Dictionary(uniqueKeysWithValues: (0..<WireLimit.clockComponents).map { ("made-up-\($0)", 1) })
            session.send(.with { $0.ack = ack })
          case .settled(let answer):
            settled.append(answer)
            if settled.count == ids.count { return settled }
          default: break
          }
        }
        return settled
      }
      #expect(settled.map(\.orderID) == ids && settled.allSatisfy { $0.state == .done })
      for id in ids {
        let clock = try await queue.peek(id).job.clock
        #expect(throws: Never.self) { try VectorClock(clock) }
        #expect(clock.components["order-queue"] == 3)
      }
    }
  }

  @Test func anOrderComesInWithAClockThatLeavesRoom() async throws {
    try await withQueue { queue in
      let names = (0...QueueLimit.enteringClockComponents).map { "process-\($0)" }
      for components in [
        Dictionary(uniqueKeysWithValues: names.map { ($0, 1) }), ["executor-3": QueueLimit.clockCount + 1],
      ] {
        let error = await #expect(throws: ServiceError.self) {
          try await queue.enqueue(newOrderID()) { $0.clock.components = components }
        }
        #expect(error?.code == .invalidArgument)
      }
    }
  }

  /// What is wrong with one command is the answer to it.
  @Test func aCommandThatIsRefusedEndsNoStream() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(3).epoch
      let codes = try await queue.work(epoch, executor: 3, incarnation: 1, credits: 1) { session in
        var codes: [String] = []
        for try await event in session.events {
          switch event.event {
          case .delivery:
            var long = ackRequest(id, epoch)
            long.note = String(repeating: "x", count: QueueLimit.reason + 1)
            var late = Ordersd_V1_NackRequest()
            late.orderID = id
            late.delayMs = 86_400_001
            var touch = Ordersd_V1_TouchRequest()
            touch.orderID = id
            touch.leaseMs = 1
            session.send(
              .with { $0.ack = long }, .with { $0.nack = late }, .with { $0.touch = touch },
              .with { $0.ack = ackRequest(id, epoch) })
          case .settled(let answer):
            #expect(answer.orderID == id && answer.touch == (codes.count == 2))
            codes.append(answer.hasError ? answer.error.code : "\(answer.state)")
            if codes.count == 4 { return codes }
          default: break
          }
        }
        return codes
      }
      let refused = ErrorCode.invalidArgument.rawValue
      #expect(codes == [refused, refused, refused, "done"])
    }
  }

  /// What was bought outlives the body, with the outcome of those who were executed.
  @Test func outcomesOfExecutedOrdersTellWhatWasBought() async throws {
    try await withQueue { queue in
      let ids = (0..<3).map { _ in newOrderID() }
      let basket = Ordersd_V1_Basket.with {
        $0.items = [("book-dune", 2), ("goods-mug", 1)].map { sku, quantity in
          .with {
            $0.sku = sku
            $0.quantity = Int64(quantity)
          }
        }
      }
      for id in ids.prefix(2) { try await queue.enqueue(id) { $0.basket = basket } }
      try await queue.enqueue(ids[2])
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.cancel(ids[1])
      _ = try await queue.lease(epoch)
      for id in [ids[0], ids[2]] { try await queue.ack(id, epoch) }
      let outcomes = try await queue.outcomes(after: 0, count: 5)
      #expect(outcomes.filter(\.hasBasket).map(\.orderID) == [ids[0]])
      let executed = outcomes.first { $0.orderID == ids[0] && $0.kind == .executed }
      #expect(executed?.basket == basket)
      #expect(try await queue.peek(ids[0]).body.isEmpty)

      let error = await #expect(throws: ServiceError.self) {
        try await queue.enqueue(newOrderID()) { $0.basket.items = [.with { $0.sku = "no-quantity" }] }
      }
      #expect(error?.code == .invalidArgument && error?.message.contains("'no-quantity' × 0") == true)
    }
  }

  @Test func noMoreIsPushedThanThereAreCredits() async throws {
    try await withQueue { queue in
      for _ in 0..<5 { try await queue.enqueue(newOrderID()) }
      let epoch = try await queue.claim(1).epoch
      let count = try await queue.work(epoch, executor: 1, incarnation: 1, credits: 2) { session in
        var count = 0
        for try await event in session.events {
          switch event.event {
          case .delivery:
            count += 1
            if count == 2 { session.send(.with { $0.renew = .init() }) }
          case .renewed(let renewed):
            #expect(renewed.leaseMs == 20_000)
            return count
          default: break
          }
        }
        return count
      }
      #expect(count == 2)
    }
  }

  @Test func theEndOfTheStreamIsTheEndOfTheLeadership() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let old = try await queue.claim(3).epoch
      try await queue.work(old, executor: 3, incarnation: 1, credits: 1) { session in
        for try await event in session.events {
          if case .delivery = event.event { return }
        }
      }
      // Without waiting for the leadership's lease: a lower id gets the lane and the order.
      try await eventually("the lane is free", within: .seconds(2)) { try await queue.claim(1).granted }
      let delivery = try #require(try await queue.lease(old + 1).first)
      #expect(delivery.orderID == id && delivery.attempt == 2)
    }
  }

  @Test func leasesOfAClosedStreamGoBackSoonWhenNobodyClaims() async throws {
    try await withQueue(["order-queue.leadership-lease": "1s"]) { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(3).epoch
      try await queue.work(epoch, executor: 3, incarnation: 1, credits: 1) { session in
        for try await event in session.events {
          if case .delivery = event.event { return }
        }
      }
      // The lease was for thirty seconds.
      try await eventually("the order is ready", within: .seconds(8)) {
        try await queue.peek(id).job.state == .ready
      }
    }
  }

  @Test func aHolderThatComesBackKeepsItsLeases() async throws {
    try await withQueue { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(3).epoch
      try await queue.work(epoch, executor: 3, incarnation: 1, credits: 1) { session in
        for try await event in session.events {
          if case .delivery = event.event { return }
        }
      }
      try await queue.work(epoch, executor: 3, incarnation: 1, credits: 1) { session in
        for try await event in session.events {
          switch event.event {
          case .opened: session.send(.with { $0.ack = ackRequest(id, epoch) })
          case .settled(let settled):
            #expect(settled.state == .done)
            return
          default: Issue.record("unexpected: \(event)")
          }
        }
      }
    }
  }

  @Test func aReplacedLeaderHearsOfItAndItsStreamEnds() async throws {
    try await withQueue { queue in
      let old = try await queue.claim(2).epoch
      let fenced = try await queue.work(old, executor: 2, incarnation: 1, credits: 1) { session in
        var fenced: Ordersd_V1_Fenced?
        for try await event in session.events {
          if case .opened = event.event { try await queue.claim(3) }
          if case .fenced(let event) = event.event { fenced = event }
        }
        return fenced
      }
      #expect(fenced?.yourEpoch == old && fenced?.currentEpoch == old + 1 && fenced?.holder == "executor-3")
    }
  }

  @Test(arguments: [(UInt64(9), UInt32(3), UInt64(1)), (1, 2, 1), (1, 3, 8)])
  func onlyTheHolderOpensAStream(epoch: UInt64, executor: UInt32, incarnation: UInt64) async throws {
    try await withQueue { queue in
      try await queue.claim(3)
      let events = try await queue.work(epoch, executor: executor, incarnation: incarnation, credits: 1) {
        session in
        var events: [Ordersd_V1_WorkEvent] = []
        for try await event in session.events { events.append(event) }
        return events
      }
      #expect(events.count == 1)
      #expect(events.first?.fenced.currentEpoch == 1)
      #expect(events.first?.fenced.yourEpoch == epoch)
    }
  }

  @Test func aStreamThatBreaksTheRulesIsToldWhichOne() async throws {
    try await withQueue { queue in
      try await queue.claim(1)
      func refused(_ commands: [Ordersd_V1_WorkCommand]) async throws -> ServiceError {
        try await queue.refusal { client, options in
          try await client.work(options: options) { writer in
            try await writer.write(.with { $0.commands = commands })
          } onResponse: { response in
            for try await _ in response.messages {}
          }
        }
      }
      let open = Ordersd_V1_WorkCommand.with {
        $0.open = .with {
          $0.fence = fence(1)
          $0.executorID = 1
          $0.incarnation = 1
        }
      }
      for (commands, word) in [
        ([credits(1)], "first command"), ([open, open], "only once"),
        ([open, credits(1_025)], "at most 1024"),
        ([open] + Array(repeating: credits(1), count: 256), "at most 256"),
      ] {
        let error = try await refused(commands)
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains(word), "\(error.message)")
      }
    }
  }

  @Test func outcomesGoOnFromTheCursor() async throws {
    try await withQueue { queue in
      let epoch = try await queue.claim(1).epoch
      let ids = (0..<3).map { _ in newOrderID() }
      for id in ids { try await queue.enqueue(id) }
      _ = try await queue.lease(epoch)
      try await queue.ack(ids[0], epoch)
      let first = try await queue.outcomes(after: 0, count: 4)
      #expect(first.map(\.kind) == [.executing, .executing, .executing, .executed])
      #expect(
        first.last?.reason == "sent" && first.last?.executor == "executor-1" && first.last?.epoch == epoch)
      let cursor = try #require(first.last?.sequence)
      async let live = queue.outcomes(after: cursor, count: 2)
      try await queue.ack(ids[1], epoch)
      try await queue.nack(ids[2], epoch)
      let rest = try await live
      #expect(rest.map(\.kind) == [.executed, .returned])
      #expect(rest.map(\.sequence) == [cursor + 1, cursor + 2])
      #expect(rest.first?.clock.components == ["orchestrator": 3, "order-queue": 3, "executor-1": 2])
      let foreign = try await queue.refusal { client, options in
        try await client.outcomes(.with { $0.after = 1_000 }, options: options) { response in
          for try await _ in response.messages {}
        }
      }
      #expect(foreign.code == .conflict)
    }
  }

  @Test func manyCallsShareASession() async throws {
    try await withQueue { queue in
      let ids = (0..<200).map { _ in newOrderID() }
      let frame = Ordersd_V1_QueueSessionRequest.with {
        $0.calls = ids.enumerated().map { index, id in
          .with {
            $0.correlationID = UInt64(index)
            $0.enqueue = .with { $0.orderID = id }
          }
        }
      }
      let rest = Ordersd_V1_QueueSessionRequest.with {
        $0.calls = [
          .with {
            $0.correlationID = 1_000
            $0.enqueue = .with { $0.orderID = ids[0] }
          },
          .with {
            $0.correlationID = 1_001
            $0.cancel = .with { $0.orderID = ids[1] }
          },
          .with {
            $0.correlationID = 1_002
            $0.peek = .with { $0.orderID = ids[2] }
          },
          .with {
            $0.correlationID = 1_003
            $0.enqueue = .with { $0.orderID = "nonsense" }
          },
          .with { $0.correlationID = 1_004 },
        ]
      }
      let answers = try await queue.call { client, options in
        try await client.session(options: options) { writer in
          try await writer.write(frame)
          try await writer.write(rest)
        } onResponse: { response in
          var answers: [UInt64: Ordersd_V1_QueueAnswer] = [:]
          for try await reply in response.messages {
            for answer in reply.answers { answers[answer.correlationID] = answer }
          }
          return answers
        }
      }
      #expect(answers.count == 205)
      #expect((0..<200).allSatisfy { answers[$0]?.enqueue.state == .ready })
      #expect(answers[1_000]?.enqueue.duplicate == true)
      #expect(answers[1_001]?.cancel.cancelled == true)
      #expect(answers[1_002]?.peek.job.orderID == ids[2])
      #expect(answers[1_003]?.error.code == "invalid_argument")
      #expect(answers[1_004]?.error.code == "invalid_argument")
    }
  }
}
