import OrderProtos
import SwiftProtobuf
import Testing

@testable import Executor

@Suite struct CommandOutboxTests {
  private static func ack(_ order: String) -> CommandOutbox.Command { .ack(.with { $0.orderID = order }) }
  private static let credit = CommandOutbox.Command.credits(.with { $0.credits = 1 })

  @Test func outcomesGatherUntilTheQueueHasAnsweredThoseBefore() {
    let outbox = CommandOutbox()
    outbox.append(Self.ack("a"))
    #expect(outbox.takeBatch() == [Self.ack("a")])
    outbox.append(Self.ack("b"))
    outbox.append(Self.credit)
    outbox.append(Self.ack("c"))
    #expect(outbox.takeBatch().isEmpty)
    outbox.answered(1)
    #expect(outbox.takeBatch() == [Self.ack("b"), Self.credit, Self.ack("c")])
    outbox.answered(1)
    outbox.append(Self.ack("d"))
    #expect(outbox.takeBatch().isEmpty, "one of two is answered")
    outbox.answered(1)
    #expect(outbox.takeBatch() == [Self.ack("d")])
  }

  @Test func creditsByThemselvesWaitForNothing() {
    let outbox = CommandOutbox()
    for _ in 0..<2 {
      outbox.append(Self.credit)
      #expect(outbox.takeBatch() == [Self.credit])
    }
  }

  @Test(arguments: [
    CommandOutbox.Command.renew(.with { $0.fence.epoch = 3 }), .touch(.with { $0.orderID = "a" }),
  ])
  func whatKeepsALeadershipOrALeaseTakesAllAlong(urgent: CommandOutbox.Command) {
    let outbox = CommandOutbox()
    outbox.append(Self.ack("a"))
    _ = outbox.takeBatch()
    outbox.append(Self.ack("b"))
    outbox.append(urgent)
    #expect(outbox.takeBatch() == [Self.ack("b"), urgent])
    outbox.append(Self.ack("c"))
    #expect(outbox.takeBatch().isEmpty)
  }

  @Test func beforeAnEpochIsGivenBackNothingWaits() {
    let outbox = CommandOutbox()
    outbox.append(Self.ack("a"))
    _ = outbox.takeBatch()
    outbox.append(Self.ack("b"))
    #expect(outbox.takeBatch().isEmpty)
    outbox.flushAll()
    #expect(outbox.takeBatch() == [Self.ack("b")])
  }

  @Test func aFullMessageWaitsForNoAnswer() {
    let outbox = CommandOutbox()
    outbox.append(Self.ack("a"))
    _ = outbox.takeBatch()
    for number in 0..<257 { outbox.append(Self.ack("\(number)")) }
    #expect(outbox.takeBatch().count == 256)
    #expect(outbox.takeBatch().isEmpty)
  }

  @Test func anAnswerThatNobodyAskedForIsNoCredit() {
    let outbox = CommandOutbox()
    outbox.answered(3)
    outbox.append(Self.ack("a"))
    _ = outbox.takeBatch()
    outbox.append(Self.ack("b"))
    #expect(outbox.takeBatch().isEmpty)
  }
}
