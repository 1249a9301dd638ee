import DaemonKit
import OrderProtos
import OrderWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What suggestions learns, from whom, and what it keeps.
@Suite(.timeLimit(.minutes(2))) struct LearningTests {
  @Test func executedOrdersAreLearnedOnceAndOthersAreNot() async throws {
    let order = try example("order.json")
    try await withFolder { folder in
      let teller = OutcomeTeller()
      for kind in [Ordersd_V1_Outcome.Kind.executing, .cancelled, .failed] {
        for _ in 0..<5 { teller.tell(["book-dune", "game-chess"], kind) }
      }
      for _ in 0..<3 { teller.tell(["book-dune", "goods-bookends"]) }
      teller.tell([])
      try await withQueue(teller) { address in
        try await withRole("suggestions", suggestions(settings(folder, address))) { role in
          try await role.has(learned: 3)
          let first = try await role.suggest(checkRequest(["f"], order)).results[0].suggestions
          #expect(first.first?.sku == "goods-bookends" && first.first?.title.isEmpty == false)
          // Broken off, and everything told again.
          teller.repeatEverything()
          teller.breakStreams()
          teller.tell(["book-dune", "goods-bookends"])
          try await role.has(learned: 4)
          #expect(teller.cursors.prefix(2) == [0, 19])
          #expect(await role.report().summary == "1 orders checked, 0 rejected, 4 executed orders learned")
        }
      }
    }
  }

  @Test func whatWasLearnedOutlivesTheProcess() async throws {
    try await withFolder { folder in
      let teller = OutcomeTeller()
      for _ in 0..<3 { teller.tell(["book-dune", "goods-bookends"]) }
      try await withQueue(teller) { address in
        for learned in 3...5 {
          try await withRole("suggestions", suggestions(settings(folder, address))) { role in
            try await role.has(learned: learned)
          }
          teller.tell(["book-dune", "goods-bookends"])
        }
        #expect(teller.cursors == [0, 3, 4])
      }
      // And is there without any queue.
      try await withRole("suggestions", suggestions(settings(folder, nowhere))) { role in
        let first = try await role.suggest(checkRequest(["f"], try example("order.json"))).results[0]
        #expect(first.suggestions.first?.sku == "goods-bookends")
        #expect(await role.report().details["learnedOrders"] == .integer(5))
      }
    }
  }

  @Test(arguments: ["", "ordersd-learned\n", "flipped"]) func aDamagedFileIsSetAsideAndLearnedAnew(
    damage: String
  ) async throws {
    try await withFolder { folder in
      let teller = OutcomeTeller()
      for _ in 0..<3 { teller.tell(["book-dune", "goods-bookends"]) }
      try await withQueue(teller) { address in
        try await withRole("suggestions", suggestions(settings(folder, address))) { role in
          try await role.has(learned: 3)
        }
        let file = URL(fileURLWithPath: "\(folder)/suggestions/learned.snapshot")
        var bytes = Data(damage.utf8)
        if damage == "flipped" {
          bytes = try Data(contentsOf: file)
          bytes[bytes.count - 3] ^= 0x10
        }
        try bytes.write(to: file)
        let damaged = bytes
        try await withRole("suggestions", suggestions(settings(folder, address))) { role in
          try await role.has(learned: 3)
          #expect(role.log.lines.contains { $0.hasPrefix("error The file of what was learned is damaged") })
          #expect(try Data(contentsOf: URL(fileURLWithPath: "\(file.path).damaged")) == damaged)
        }
        #expect(teller.cursors == [0, 0])
      }
    }
  }

  @Test func aFileThatIsTooLargeIsNotReadIn() async throws {
    try await withFolder { folder in
      let file = "\(folder)/suggestions/learned.snapshot"
      try FileManager.default.createDirectory(
        atPath: "\(folder)/suggestions", withIntermediateDirectories: true)
      #expect(FileManager.default.createFile(atPath: file, contents: nil))
      #expect(truncate(file, 257 << 20) == 0)
      try await withRole("suggestions", suggestions(settings(folder, nowhere))) { role in
        #expect(role.log.lines.contains { $0.contains("has \(257 << 20) bytes") })
      }
    }
  }

  @Test func itIsReadyWithoutTheQueueAndSaysThatItIsDegraded() async throws {
    try await withFolder { folder in
      try await withRole("suggestions", suggestions(settings(folder, nowhere))) { role in
        #expect(try await role.suggest(checkRequest(["f"], try example("order.json"))).results.count == 1)
        try await eventually("degraded") { await role.report().summary.contains("degraded: order-queue: ") }
        #expect(await role.report().problems.isEmpty)
      }
    }
  }

  @Test func aDiskThatRefusesIsToldAndCostsNothingElse() async throws {
    let order = try example("order.json")
    try await withFile("a file where a folder should be") { path in
      let teller = OutcomeTeller()
      teller.tell(["book-dune", "goods-bookends"])
      try await withQueue(teller) { address in
        try await withRole("suggestions", suggestions(settings(path, address))) { role in
          try await role.has(learned: 1)
          try await eventually("degraded") { await role.report().summary.contains("cannot be made") }
          #expect(try await role.suggest(checkRequest(["f"], order)).results[0].suggestions.count == 3)
        }
      }
    }
  }

  /// Beyond the queue's retention, and a queue whose history is shorter than what is known of it.
  @Test(arguments: [("oldest", UInt64(0), "3", 2), ("last", 3, "2", 4)])
  func aHistoryWithGapsIsGoneOnWith(detail: String, cursor: UInt64, value: String, learned: Int) async throws
  {
    try await withFolder { folder in
      let teller = OutcomeTeller()
      for _ in 0..<3 { teller.tell(["book-dune", "goods-bookends"]) }
      let conflict = ServiceError(.conflict, "not kept", details: [detail: value])
      try await withQueue(teller) { address in
        if detail == "last" {
          try await withRole("suggestions", suggestions(settings(folder, address))) { role in
            try await role.has(learned: 3)
          }
        }
        teller.refuse(cursor, conflict)
        if detail == "oldest" { teller.tell(["book-dune", "goods-bookends"]) }
        try await withRole("suggestions", suggestions(settings(folder, address))) { role in
          try await role.has(learned: learned)
          #expect(teller.cursors.last == 2)
          #expect(role.log.lines.contains { $0.hasPrefix("warning ") && $0.contains("cursor=\(cursor)") })
          let missed: StatusValue = detail == "oldest" ? 2 : 0
          #expect(await role.report().details["outcomesMissed"] == missed)
        }
      }
    }
  }
}

/// Where nobody listens.
private let nowhere = "127.0.0.1:9"

private func settings(_ folder: String, _ queue: String) -> [String: String] {
  ["state": folder, "order-queue.endpoint": queue, "suggestions.snapshot-interval": "100ms"]
}

extension RunningRole {
  fileprivate func has(learned count: Int) async throws {
    try await eventually("\(count) orders learned") {
      await report().details["learnedOrders"] == StatusValue(count)
    }
  }
}

/// Waits for a condition, ten seconds at most.
private func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while ContinuousClock.now < deadline {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  throw TestFailure("not within ten seconds: \(what)")
}

/// A folder of its own for the time of `body`.
private func withFolder(_ body: (String) async throws -> Void) async throws {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("ordersd-test-\(newOrderID())")
    .path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  let outcome: Result<Void, any Error>
  do { outcome = .success(try await body(path)) } catch { outcome = .failure(error) }
  try FileManager.default.removeItem(atPath: path)
  try outcome.get()
}
