import CoreTime
import PeerCalls
import Randomness
import Testing

/// What waits, what is out, and who is told.
@Suite struct CallTableTests {
  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  @Test func callsGoOutTogetherInTheirOrder() throws {
    var table = CallTable<String, String>(window: 10, capacity: 10)
    let ids = try ["a", "b", "c"].map { try given(table.add($0, token: "for \($0)", deadline: at(10))) }
    let batch = table.takeBatch(atMost: 8)
    #expect(batch.map(\.message) == ["a", "b", "c"] && batch.map(\.id) == ids)
    let found1 = table.takeBatch(atMost: 8)
    #expect(found1.isEmpty)
    let found2 = table.answered(ids[1])
    #expect(found2 == "for b")
    let found3 = table.answered(ids[1])
    #expect(found3 == nil, "a doubled answer finds nothing")
    #expect(table.sent == 2 && table.count == 2)
  }

  @Test func theWindowHoldsBackWhatWouldBeTooMuch() throws {
    var table = CallTable<Int, Int>(window: 2, capacity: 3)
    let first = try given(table.add(0, token: 0, deadline: at(10)))
    for number in 1...2 { _ = try given(table.add(number, token: number, deadline: at(10))) }
    let found4 = table.add(3, token: 3, deadline: at(10))
    #expect(found4 == nil, "the capacity is 3")
    let found5 = table.takeBatch(atMost: 8)
    #expect(found5.map(\.message) == [0, 1])
    let found6 = table.answered(first)
    #expect(found6 == 0)
    let found7 = table.takeBatch(atMost: 8)
    #expect(found7.map(\.message) == [2])
  }

  @Test func aMessageIsNoLongerThanItMayBe() throws {
    var table = CallTable<Int, Int>(window: 8, capacity: 8)
    for (number, size) in [600, 400, 100, 5_000, 1].enumerated() {
      _ = try given(table.add(number, size: size, token: number, deadline: at(10)))
    }
    var messages: [[Int]] = []
    for _ in 0..<4 { messages.append(table.takeBatch(atMost: 8, bytes: 1_000).map(\.message)) }
    #expect(messages == [[0, 1], [2], [3], [4]], "one that is too long goes by itself")
    let rest = table.takeBatch(atMost: 8, bytes: 1_000)
    #expect(rest.isEmpty)
  }

  @Test func anAnswerToWhatWasNotSentIsIgnored() throws {
    var table = CallTable<Int, Int>(window: 1, capacity: 2)
    let id = try given(table.add(7, token: 7, deadline: at(10)))
    let found8 = table.answered(id)
    #expect(found8 == nil)
    let found9 = table.takeBatch(atMost: 1)
    #expect(found9.map(\.id) == [id])
    let found10 = table.answered(id)
    #expect(found10 == 7)
  }

  @Test func whatIsWithdrawnDoesNotGoOutAndItsAnswerComesTooLate() throws {
    var table = CallTable<Int, Int>(window: 4, capacity: 4)
    let unsent = try given(table.add(1, token: 1, deadline: at(10)))
    let found11 = table.withdraw(unsent)
    #expect(try #require(found11).wasSent == false)
    let found12 = table.takeBatch(atMost: 4)
    #expect(found12.isEmpty)
    let sent = try given(table.add(2, token: 2, deadline: at(10)))
    _ = table.takeBatch(atMost: 4)
    let found13 = table.withdraw(sent)
    #expect(try #require(found13).wasSent)
    let found14 = table.answered(sent)
    let found15 = table.withdraw(sent)
    #expect(found14 == nil && found15 == nil && table.sent == 0)
  }

  @Test func notesGoFirstAndHaveNoAnswer() throws {
    var table = CallTable<String, Int>(window: 1, capacity: 2)
    _ = table.add("call", token: 1, deadline: at(10))
    table.note("cancel")
    let batch = table.takeBatch(atMost: 4)
    #expect(batch.map(\.message) == ["cancel", "call"] && batch[0].deadline == nil)
    let found16 = table.answered(batch[0].id)
    #expect(found16 == nil)
  }

  @Test func aLostStreamEndsEverythingOnce() throws {
    var table = CallTable<Int, Int>(window: 1, capacity: 4)
    let ids = try (0..<3).map { try given(table.add($0, token: $0, deadline: at(10))) }
    _ = table.takeBatch(atMost: 4)
    let found17 = table.disconnect()
    #expect(found17.map(\.token) == [0, 1, 2])
    let found18 = table.takeBatch(atMost: 4)
    #expect(table.isEmpty && table.sent == 0 && found18.isEmpty)
    let late = ids.map { table.answered($0) }
    #expect(late.allSatisfy { $0 == nil }, "an answer of the old stream finds nothing on the new one")
  }

  /// Whatever happens in whatever order, each token comes back exactly once, and never more are out than the window.
  @Test(arguments: 0..<200) func eachTokenComesBackOnce(_ seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = CallTable<UInt64, UInt64>(window: 5, capacity: 12)
    var (now, added, next) = (Int64(0), Set<UInt64>(), UInt64(0))
    var (back, out) = ([UInt64](), [UInt64]())
    for _ in 0..<400 {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<40:
        next += 1
        let deadline = at(now + Int64.random(in: 1...30, using: &random))
        if table.add(next, token: next, deadline: deadline) != nil { added.insert(next) }
      case 40..<60:
        let batch = table.takeBatch(atMost: Int.random(in: 1...4, using: &random))
        #expect(batch.map(\.id) == batch.map(\.id).sorted())
        out += batch.map(\.id)
      case 60..<85:
        // Late and doubled answers among them.
        if let id = out.randomElement(using: &random), let token = table.answered(id) { back.append(token) }
      case 85..<92:
        if let id = out.randomElement(using: &random), let call = table.withdraw(id) {
          back.append(call.token)
        }
      case 92..<99:
        now += Int64.random(in: 0...20, using: &random)
        back += table.expire(now: at(now)).map(\.call.token)
        #expect(table.nextDeadline.map { $0 > at(now) } ?? true)
      default:
        back += table.disconnect().map(\.token)
      }
      #expect(table.sent <= 5 && table.count <= 12)
    }
    back += table.disconnect().map(\.token)
    #expect(back.count == Set(back).count && Set(back) == added, "seed \(seed)")
  }
}

/// `#require` cannot take a call that changes its receiver.
func given<Value>(_ value: Value?) throws -> Value { try #require(value) }
