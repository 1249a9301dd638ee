import CoreTime
import DaemonKit
import Foundation
import GRPCSupport
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import Testing

/// The orders that a producer was told are in the queue, and whether it is to end.
private final class Known: Sendable {
  let state = Mutex((ids: [String](), isOver: false))
  var ids: [String] { state.withLock { $0.ids } }
}

/// What an operator has at 3 a.m.: the verbs, the metrics, a backup.
@Suite(.timeLimit(.minutes(3)))
struct OperatorTests {
  /// Runs `ordersctl queue`; its status, output and messages.
  private func ordersctl(
    _ queue: some QueueCalls, _ arguments: String...
  ) async throws -> (status: Int32, output: String, messages: String) {
    let process = Process()
    let (out, err) = (Pipe(), Pipe())
    process.executableURL = QueueProcess.program("ordersctl")
    process.arguments = ["queue"] + arguments + ["--queue", "\(queue.peer.endpoint)"]
    process.standardOutput = out
    process.standardError = err
    try process.run()
    try await eventually("ordersctl has ended") { !process.isRunning }
    func text(_ pipe: Pipe) -> String {
      String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
    return (process.terminationStatus, text(out), text(err))
  }

  @Test func everyVerbDoesWhatItSays() async throws {
    try await withQueue { queue in
      let (first, second, third) = (newOrderID(), newOrderID(), newOrderID())
      for id in [first, second, third] { try await queue.enqueue(id, body: Data(#"{"n":1}"#.utf8)) }
      let epoch = try await queue.claim(3).epoch

      #expect(try await ordersctl(queue, "pause", "--for", "10m").status == 0)
      #expect(try await queue.lease(epoch).isEmpty)
      #expect(try await queue.stats().paused)
      #expect(try await ordersctl(queue, "resume").status == 0)
      #expect(try await queue.lease(epoch, max: 1).map(\.orderID) == [first])

      let late = try await ordersctl(queue, "cancel", first)
      #expect(late.status == 7 && late.messages.contains("too late: the order is leased to executor-3"))
      #expect(try await ordersctl(queue, "cancel", second, "--reason", "changed his mind").status == 0)
      #expect(try await queue.peek(second).job.reason == "changed his mind")

      // Of one that waits, and of one that is leased.
      #expect(try await ordersctl(queue, "bury", third, "--reason", "held back").status == 0)
      #expect(try await ordersctl(queue, "bury", first).status == 0)
      #expect(try await ordersctl(queue, "bury", second).status == 7)
      let refusal = try await queue.refusal { client, options in
        try await client.ack(ackRequest(first, epoch), options: options)
      }
      #expect(refusal.code == .notLeased)
      let dead = try await ordersctl(queue, "list", "--state", "buried", "-o", "name")
      #expect(dead.output == "order/\(first)\norder/\(third)\n")
      #expect(try await ordersctl(queue, "kick", third).output == "\(third)\n")
      #expect(try await ordersctl(queue, "kick", "--all").output == "\(first)\n")
      #expect(try await ordersctl(queue, "kick").status == 64)
      #expect(try await queue.lease(epoch).map(\.orderID) == [first, third])

      let peeked = try await ordersctl(queue, "peek", first, "-o", "json")
      #expect(peeked.output.contains(#""state" : "leased""#) && peeked.output.contains(#"{\"n\":1}"#))
      #expect(try await ordersctl(queue, "peek", newOrderID()).status == 4)
      let table = try await ordersctl(queue, "list", "--limit", "1")
      #expect(table.output.contains("More: --after \(first)"))

      #expect(try await ordersctl(queue, "drain").messages.contains("2 remain"))
      #expect(try await queue.stats().draining)
      #expect(try await ordersctl(queue, "drain", "--off").status == 0)
      #expect(try await !queue.stats().draining)
      #expect(try await ordersctl(queue, "stats").status == 0)
    }
  }

  @Test func theMetricsTellWhatHappens() async throws {
    let folder = TemporaryFolder()
    let process = try QueueProcess(folder: folder.path, port: try QueueProcess.freePort())
    defer { process.crash() }
    try await withClient(process) { queue in
      try await queue.reaches(process)
      let (given, waiting) = (newOrderID(), newOrderID())
      try await queue.enqueue(given, priority: 0)
      try await queue.enqueue(waiting, priority: 7)
      let epoch = try await queue.claim(1).epoch
      _ = try await queue.lease(epoch, max: 1)
      try await queue.nack(given, epoch)
      _ = try await queue.lease(epoch, max: 1)
      try await queue.nack(given, epoch) { $0.permanent = true }
      let expected = [
        #"ordersd_queue_orders{state="buried"} 1.0"#, #"ordersd_queue_ready_orders{priority="7"} 1.0"#,
        #"ordersd_queue_redeliveries_total{cause="nack"} 1"#,
        #"ordersd_queue_dead_letters_total{reason="permanent"} 1"#, "ordersd_queue_leased_total 2",
        "ordersd_queue_starved_total 0", "ordersd_queue_lease_seconds_count 2",
        "ordersd_queue_wait_seconds_count 2", "ordersd_queue_finished_kept 0.0",
        "ordersd_store_batch_changes_bucket", "ordersd_store_commit_seconds_bucket",
      ]
      try await eventually("the metrics follow") {
        let page = await process.page("/metrics") ?? ""
        return expected.allSatisfy(page.contains)
      }
      try await eventually("the wait of the oldest grows") {
        let page = await process.page("/metrics") ?? ""
        let line = page.split(separator: "\n").first {
          $0.hasPrefix(#"ordersd_queue_oldest_ready_seconds{priority="7"} "#)
        }
        return line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 1
      }
      let status = try #require(await process.page("/status"))
      #expect(status.contains(#""permanent" : 1"#) && status.contains(#""oldestLeaseMs""#))
    }
  }

  /// As an operator does it: another process, while orders come in.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3"), "NOT RUN: needs sqlite3"))
  func aBackupIsTakenWhileTheQueueWorks() async throws {
    let (folder, copy) = (TemporaryFolder(), TemporaryFolder())
    try FileManager.default.createDirectory(
      atPath: "\(copy.path)/order-queue", withIntermediateDirectories: true)
    let known = Known()
    let before = try await withQueue(folder: folder.path) { queue in
      return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          while !known.state.withLock({ $0.isOver }) {
            let id = newOrderID()
            try await queue.enqueue(id)
            known.state.withLock { $0.ids.append(id) }
          }
        }
        try await eventually("orders come in") { known.ids.count > 20 }
        let before = known.ids
        let sqlite = Process()
        sqlite.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        sqlite.arguments = [
          "-cmd", ".timeout 10000", "\(folder.path)/order-queue/queue.db",
          "VACUUM INTO '\(copy.path)/order-queue/queue.db'",
        ]
        try sqlite.run()
        try await eventually("sqlite3 has ended") { !sqlite.isRunning }
        #expect(sqlite.terminationStatus == 0)
        try await eventually("orders still come in") { known.ids.count > before.count + 5 }
        known.state.withLock { $0.isOver = true }
        try await group.waitForAll()
        return before
      }
    }
    let all = Set(known.ids)
    try await withQueue(folder: copy.path) { queue in
      let found = try await queue.list()
      #expect(before.allSatisfy { found[$0]?.state == .ready })
      #expect(found.keys.allSatisfy(all.contains))
      let epoch = try await queue.claim(1).epoch
      #expect(try await queue.lease(epoch, max: 10).map(\.orderID) == Array(before.prefix(10)))
    }
  }
}

extension HeavyTests {
  @Suite(.timeLimit(.minutes(3)))
  struct SizeTests {
    /// The figures of docs/QUEUE.md, "Sizing".
    @Test func anOrderTakesWhatTheManualSays() async throws {
      let folder = TemporaryFolder()
      let process = try QueueProcess(folder: folder.path, port: try QueueProcess.freePort())
      defer { process.crash() }
      @Sendable func resident() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first).flatMap { Int($0) } ?? 0
      }
      try await withClient(process) { queue in
        try await queue.reaches(process)
        // Once before, so that buffers and pools have their size.
        try await queue.enqueueAll((0..<5_000).map { _ in (newOrderID(), 5) }, body: Data(count: 512))
        let before = try resident()
        let count = 40_000
        for _ in 0..<4 {
          try await queue.enqueueAll(
            (0..<count / 4).map { _ in (newOrderID(), .random(in: 0...9)) }, body: Data(count: 512))
        }
        let memory = (try resident() - before) * 1_024 / count
        process.crash()
        try await withQueue(folder: folder.path) { _ in }
        let size = try FileManager.default.attributesOfItem(atPath: process.file)[.size] as? NSNumber
        let disk = (size?.intValue ?? 0) / (count + 5_000)
        print("sizing: \(disk) bytes of disk for each waiting order of 512 bytes, \(memory) bytes of memory")
        #expect(disk < 1_500)
        #expect(memory < 1_500)
      }
    }

    /// Readers and steady writing; SQLite alone would let the log grow without end.
    @Test func theWriteAheadLogStaysShort() async throws {
      let folder = TemporaryFolder()
      try await withQueue(folder: folder.path) { queue in
        let started = ContinuousClock.now
        var (largest, count) = (0, 0)
        while count < 4_000, ContinuousClock.now - started < .seconds(60) {
          try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
              group.addTask { try await queue.enqueue(newOrderID(), body: Data(count: 60_000)) }
            }
            try await group.waitForAll()
          }
          count += 32
          let path = "\(folder.path)/order-queue/queue.db-wal"
          let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber
          largest = max(largest, size?.intValue ?? 0)
        }
        print(
          "write-ahead log: \((count * 60_000) >> 20) MiB of bodies written, log at most \(largest >> 20) MiB"
        )
        #expect(count * 60_000 > 128 << 20, "too little was written to tell")
        #expect(largest < 192 << 20)
      }
    }
  }
}
