import DaemonKit
import FraudDetection
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What fraud-detection remembers, and over what.
struct FraudMemoryTests {
  /// Screens `count` orders with one card, each from another mail address; returns the codes of each.
  private static func screen(
    _ count: Int, _ role: RunningRole, client: String = "", from first: Int = 0
  ) async throws -> [[String]] {
    var codes: [[String]] = []
    for number in first..<first + count {
      let order = try example("order.json") {
        $0.customer.email = "ada\(number)@example.org"
        $0.billingAddress.street = "Ülikooli \(number)"
      }
      var request = checkRequest(["d", "e"], order)
      request.clientAddress = client
      codes.append(try await role.screen(request).results[1].findings.map(\.code))
    }
    return codes
  }

  @Test func oneCardWithManyAddressesIsNoticed() async throws {
    try await withFraudDetection { role in
      let codes = try await Self.screen(6, role)
      #expect(codes.prefix(3) == [[], [], []])
      // More than three addresses, which a person should look at; after the fifth order the pace is odd, too.
      #expect(codes[3] == ["flagged_for_review", "emails_per_card"])
      #expect(codes[5] == ["orders_per_card", "emails_per_card"])
      #expect(await role.report().summary == "6 orders checked, 1 rejected, 2 flagged for review")
      #expect(await role.report().details["ordersFlagged"] == 2)
    }
  }

  @Test func clientsAreCountedWhereTheyAreKnown() async throws {
    try await withFraudDetection { role in
      func cards(_ client: String) async throws -> [String] {
        var last: [String] = []
        for number in ["4111111111111111", "4242424242424242", "5555555555554444", "378282246310005"] {
          let order = try example("order.json") {
            $0.payment.card.number = number
            $0.customer.email = "ada\(number)\(client.count)@example.org"
            $0.billingAddress.street = "\(number) \(client)"
          }
          var request = checkRequest(["e"], order)
          request.clientAddress = client
          last = try await role.screen(request).results[0].findings.map(\.code)
        }
        return last
      }
      let telling = try await cards("198.51.100.7")
      #expect(telling.contains("cards_per_client"))
      // An office's own network says nothing about who is behind it.
      let (privately, unknown) = (try await cards("192.168.1.10"), try await cards(""))
      #expect(!privately.contains("cards_per_client") && !unknown.contains("cards_per_client"))
    }
  }

  @Test func aRestartDoesNotForget() async throws {
    try await withFolder { folder in
      try await withFraudDetection(["state": folder]) { role in
        _ = try await Self.screen(3, role, client: "198.51.100.7")
      }
      try await withFraudDetection(["state": folder]) { role in
        #expect(role.log.lines.contains { $0.hasPrefix("info What was remembered is back.") })
        let codes = try await Self.screen(1, role, client: "198.51.100.7", from: 3)
        #expect(codes == [["flagged_for_review", "emails_per_card"]])
      }
      // Nothing of a card, a person or an address is in the files.
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fraud-detection")
      #expect(Set(names) == ["memory.snapshot", "trace.key"])
      for name in names {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/fraud-detection/\(name)"))
        for secret in ["4111", "ada0@", "example.org", "likooli", "198.51"] {
          #expect(bytes.firstRange(of: Data(secret.utf8)) == nil, "\(name) holds \(secret)")
        }
      }
    }
  }

  /// The snapshot is written while orders come, not only at the stop.
  @Test func aSnapshotIsWrittenWhileItRuns() async throws {
    try await withFolder { folder in
      let flags = ["state": folder, "fraud-detection.snapshot-interval": "20ms"]
      try await withFraudDetection(flags) { role in
        _ = try await Self.screen(1, role)
        try await eventually { await role.report().details["snapshotAt"] != nil }
        #expect(FileManager.default.fileExists(atPath: "\(folder)/fraud-detection/memory.snapshot"))
      }
    }
  }

  @Test(arguments: ["", "ORDFRAUD", "something else altogether, long enough to have a header"])
  func aDamagedSnapshotIsSetAsideAndTold(content: String) async throws {
    try await withFolder { folder in
      let path = "\(folder)/fraud-detection/memory.snapshot"
      try FileManager.default.createDirectory(
        atPath: "\(folder)/fraud-detection", withIntermediateDirectories: true)
      try Data(content.utf8).write(to: URL(fileURLWithPath: path))
      try await withFraudDetection(["state": folder]) { role in
        #expect(
          role.log.lines.contains {
            $0.hasPrefix("error The snapshot cannot be used and is set aside")
              && $0.contains("file=\(path).refused") && $0.contains("is damaged or cut off")
          })
        let codes = try await Self.screen(1, role)
        #expect(codes == [[]])
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".refused")) == Data(content.utf8))
      #expect(FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func aKeyOfAnotherSizeIsRefused() async throws {
    try await withFolder { folder in
      let path = "\(folder)/fraud-detection/trace.key"
      try FileManager.default.createDirectory(
        atPath: "\(folder)/fraud-detection", withIntermediateDirectories: true)
      try Data("short".utf8).write(to: URL(fileURLWithPath: path))
      let error = await #expect(throws: ConfigurationError.self) {
        try await withFraudDetection(["state": folder]) { _ in }
      }
      #expect(error?.problems.first?.hasPrefix("\(path): must hold 32 bytes, not 5") == true)
    }
  }

  @Test func aSnapshotThatCannotBeWrittenIsTold() async throws {
    try await withFolder { folder in
      let flags = ["state": folder, "fraud-detection.snapshot-interval": "20ms"]
      try await withFraudDetection(flags) { role in
        // A folder in the way of the new file.
        let way = "\(folder)/fraud-detection/memory.snapshot.new"
        try FileManager.default.createDirectory(atPath: way, withIntermediateDirectories: true)
        _ = try await Self.screen(1, role)
        try await eventually { await role.report().details["snapshotProblem"] != nil }
        #expect(await role.report().summary.contains("the snapshot cannot be written: \(way)"))
        try FileManager.default.removeItem(atPath: way)
        try await eventually { await role.report().details["snapshotProblem"] == nil }
        #expect(role.log.lines.count { $0.hasPrefix("error What is remembered cannot be written") } == 1)
      }
    }
  }
}

/// Waits for `condition`, at most ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(10)
  while try await !condition() {
    guard clock.now < deadline else { throw TestFailure("the condition did not come true in ten seconds") }
    try await Task.sleep(for: .milliseconds(5))
  }
}
