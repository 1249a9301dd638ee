import Dispatch
import Foundation
import JournalLog
import Logging
import Synchronization
import Testing

/// Takes entries in place of journald.
private final class Recorder: Sendable {
  private let entries = Mutex<[JournalEntry]>([])
  let refusals = Mutex<[Int32]>([])

  var taken: [JournalEntry] { entries.withLock { $0 } }

  func writer(_ limits: JournalWriter.Limits = .init(), gate: DispatchSemaphore? = nil, result: Int32 = 0)
    -> JournalWriter
  {
    JournalWriter(
      limits: limits,
      send: { entry in
        gate?.wait()
        gate?.signal()
        self.entries.withLock { $0.append(entry) }
        return result
      },
      refused: { _, error in self.refusals.withLock { $0.append(error) } })
  }
}

private func entry(_ text: String) -> JournalEntry {
  var entry = JournalEntry()
  entry.add("MESSAGE", text)
  return entry
}

@Suite("The journal")
struct JournalTests {
  @Test("An event of an order has its fields, its id and its place in the source")
  func fields() throws {
    let recorder = Recorder()
    let writer = recorder.writer()
    let logger = Logger(label: "executor-3") { label in
      JournalLogHandler(label: label, threshold: LogThreshold(.info), writer: writer)
    }
    logger.tell(
      OrderEvent.executed,
      metadata: ["order_id": "0192", "epoch": "12", "vector_clock": "{a:1}", "event": "d", "message": "x"],
      file: "Executor/Work.swift", function: "settled()", line: 7)
    logger.debug("Not logged.")
    #expect(writer.flush(within: .seconds(10)))
    let entry = try #require(recorder.taken.first)
    #expect(recorder.taken.count == 1)
    #expect(
      entry.fields == [
        "MESSAGE=Order executed. epoch=12 event=d message=x order_id=0192 vector_clock={a:1}", "PRIORITY=6",
        "SYSLOG_IDENTIFIER=executor-3", "ROLE=executor-3",
        "MESSAGE_ID=\(OrderEvent.executed.definition.id)", "EVENT=order-executed",
        "CODE_FILE=Executor/Work.swift", "CODE_LINE=7", "CODE_FUNC=settled()", "EPOCH=12",
        "CHECKOUT_EVENT=d", "X_MESSAGE=x", "ORDER_ID=0192", "VECTOR_CLOCK={a:1}", "EXECUTOR_ID=3",
      ])
  }

  @Test("An order's id is its trace id, unless the entry has one")
  func traces() {
    let recorder = Recorder()
    let writer = recorder.writer()
    let handler = JournalLogHandler(label: "order-queue", threshold: LogThreshold(.info), writer: writer)
    let logger = Logger(label: "order-queue") { _ in handler }
    logger.notice("Met.", metadata: ["order_id": "0192fbd0-7a4e-7c11-9d3b-5a1e4c2f8b6d"])
    logger.notice("Met.", metadata: ["order_id": "0192fbd0-7a4e-7c11-9d3b-5a1e4c2f8b6d", "trace_id": "ab"])
    logger.notice("Met.", metadata: ["order_id": "00000000-0000-0000-0000-000000000000"])
    logger.notice("Met.", metadata: ["order_id": "not an order's id, but as long as one"])
    logger.notice("Met.")
    writer.flush(within: .seconds(10))
    #expect(
      recorder.taken.map { $0["TRACE_ID"] } == ["0192fbd07a4e7c119d3b5a1e4c2f8b6d", "ab", nil, nil, nil])
  }

  @Test("Who is meant wins over who speaks, and an executor is a number")
  func executors() {
    let recorder = Recorder()
    let writer = recorder.writer()
    let handler = JournalLogHandler(label: "executor-3", threshold: LogThreshold(.info), writer: writer)
    Logger(label: "executor-3") { _ in handler }.notice("Met.", metadata: ["executor": "executor-2"])
    writer.flush(within: .seconds(10))
    #expect(recorder.taken.first?.fields.filter { $0.hasPrefix("EXECUTOR_ID") } == ["EXECUTOR_ID=2"])
    #expect(recorder.taken.first?["MESSAGE_ID"] == nil)
  }

  @Test("One rule makes a field of any key")
  func rule() {
    #expect(JournalField.name(for: "hb.request.id") == "HB_REQUEST_ID")
    #expect(JournalField.name(for: "_pid") == "X__PID")
    #expect(JournalField.name(for: "2nd") == "X_2ND")
    #expect(JournalField.name(for: "") == "X_")
    #expect(JournalField.name(for: "priority") == "X_PRIORITY")
    #expect(JournalField.name(for: "clock") == "VECTOR_CLOCK")
    #expect(JournalField.name(for: String(repeating: "ä", count: 90)).utf8.count == 64)
  }

  @Test("An entry is bounded, and cut between characters")
  func bounds() throws {
    var entry = JournalEntry()
    entry.add("LONG", "a" + String(repeating: "ä", count: JournalEntry.longestValue))
    let value = try #require(entry["LONG"])
    #expect(value.utf8.count <= JournalEntry.longestValue)
    #expect(value.hasSuffix("ä…") && !value.contains("\u{FFFD}"))
    for index in 0..<200 { entry.add("F\(index)", String(repeating: "x", count: 1_000)) }
    #expect(entry.bytes.count <= JournalEntry.longestEntry)
    #expect(entry.ends.count <= JournalEntry.mostFields)
    #expect(entry.omitted > 100)
  }

  @Test("A journal that does not read holds nobody up; what is dropped is counted and told")
  func neverWaits() {
    let recorder = Recorder()
    let gate = DispatchSemaphore(value: 0)
    let writer = recorder.writer(.init(entries: 10, bytes: 10_000), gate: gate)
    for index in 0..<25 { writer.write(entry("entry \(index)")) }
    #expect(writer.counts == .init(dropped: 15))
    #expect(!writer.flush(within: .milliseconds(20)))
    gate.signal()
    #expect(writer.flush(within: .seconds(10)))
    #expect(writer.counts == .init(sent: 11, dropped: 15))
    let told = recorder.taken.filter { $0["EVENT"] == "entries-dropped" }
    #expect(told.compactMap { $0["DROPPED"] } == ["15"])
    writer.write(entry("after"))
    #expect(writer.flush(within: .seconds(10)))
    #expect(recorder.taken.last?["MESSAGE"] == "after")
  }

  @Test("Bytes are bounded, too")
  func bytes() {
    let gate = DispatchSemaphore(value: 0)
    let writer = Recorder().writer(.init(entries: 100, bytes: 1_000), gate: gate)
    for _ in 0..<3 { writer.write(entry(String(repeating: "x", count: 400))) }
    #expect(writer.counts.dropped == 1)
    gate.signal()
    #expect(writer.flush(within: .seconds(10)))
  }

  @Test("What the journal refuses goes the other way, once")
  func refused() {
    let recorder = Recorder()
    let writer = recorder.writer(result: 90)
    writer.write(entry("too long"))
    #expect(writer.flush(within: .seconds(10)))
    #expect(recorder.refusals.withLock { $0 } == [90])
    #expect(writer.counts == .init(refused: 1))
  }

  @Test("Entries keep their order, from many threads, and none is lost")
  func order() {
    let recorder = Recorder()
    let writer = recorder.writer(.init(entries: 10_000))
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for index in 0..<500 { writer.write(entry("\(thread) \(index)")) }
    }
    #expect(writer.flush(within: .seconds(20)))
    let messages = recorder.taken.compactMap { $0["MESSAGE"]?.split(separator: " ").compactMap { Int($0) } }
    #expect(messages.count == 4_000)
    for thread in 0..<8 {
      #expect(messages.filter { $0[0] == thread }.map { $0[1] } == Array(0..<500))
    }
  }
}
