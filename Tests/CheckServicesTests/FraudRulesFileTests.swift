import DaemonKit
import FraudDetection
import FraudRules
import OrderDomain
import OrderProtos
import OrderWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Rules and lists out of files.
struct FraudRulesFileTests {
  private static func packaged(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("packaging/\(name)").path
  }

  @Test func thePackagedRulesAreTheBuiltInOnes() throws {
    #expect(try PolicyFiles(rules: Self.packaged("fraud-rules.yaml")).policy() == FraudPolicy())
  }

  /// Every key stands in the packaged file, and no other.
  @Test func thePackagedRulesShowEverything() throws {
    let reader = SettingsReader(layers: [try .file(Self.packaged("fraud-rules.yaml"))])
    _ = RulesFile.policy(from: reader)
    try reader.validate()
    #expect(reader.declarations.count > 50)
    for declaration in reader.declarations {
      let reading = try #require(reader.reading(of: declaration.key))
      #expect(reading.place != nil, "\(declaration.key) is missing")
      #expect(reading.text == declaration.defaultText, "\(declaration.key)")
    }
  }

  @Test func thePackagedListsCanBeUsed() throws {
    let policy = try PolicyFiles(
      blockList: Self.packaged("fraud-blocked.txt"),
      disposableDomains: Self.packaged("fraud-disposable-domains.txt"),
      cardRanges: Self.packaged("fraud-card-ranges.txt")
    ).policy()
    #expect(policy.blockedEmails.isEmpty && policy.blockedDomains.isEmpty && policy.cardRanges.ranges.isEmpty)
    #expect(policy.disposableDomains == FraudPolicy.knownDisposableDomains)
  }

  @Test func everyMistakeIsToldWithItsLine() async throws {
    let text = """
      thresholds: {review: 90, reject: 50}
      scores:
        email_blocked: 2000
        email_bloked: 3
      velocity:
        orders-per-card: {window: 5s, most: 0}
        cards-per-card: {most: 1}
      history: {age: soon}
      """
    try await withFile(text) { path in
      let error = await #expect(throws: ConfigurationError.self) {
        try await withFraudDetection(["fraud-detection.rules": path]) { _ in }
      }
      let problems = error?.problems ?? []
      let expected = [
        "\(path):1: thresholds.reject: must be thresholds.review (90) to 1000, is 50",
        "\(path):3: scores.email_blocked: must be a whole number from 0 to 1000, not '2000'",
        "\(path):4: scores.email_bloked: unknown setting; did you mean 'scores.email_blocked'?",
        "\(path):6: velocity.orders-per-card.window: must be a duration such as 10m",
        "\(path):6: velocity.orders-per-card.most: must be a whole number from 1 to 10000, not '0'",
        "\(path):7: velocity.cards-per-card.most: unknown setting",
        "\(path):8: history.age: must be a duration such as 7d",
      ]
      for beginning in expected {
        #expect(problems.contains { $0.hasPrefix(beginning) }, "\(beginning) is not among \(problems)")
      }
      #expect(problems.count == expected.count)
    }
  }

  @Test func theMistakesOfAllFilesAreToldTogether() async throws {
    try await withFile("4012 EE\n4012-40 EE\nEE\n") { ranges in
      try await withFile("ada@example.org\n") { domains in
        let error = await #expect(throws: ConfigurationError.self) {
          try await withFraudDetection([
            "fraud-detection.rules": "/nonexistent/rules.yaml", "fraud-detection.card-ranges": ranges,
            "fraud-detection.disposable-domains": domains,
          ]) { _ in }
        }
        let problems = error?.problems ?? []
        #expect(problems.count == 4)
        #expect(problems.contains("/nonexistent/rules.yaml: cannot be read (no such file)"))
        #expect(
          problems.count { $0.hasPrefix("\(ranges):2: must be") || $0.hasPrefix("\(ranges):3: must be") } == 2
        )
        #expect(problems.contains { $0.hasPrefix("\(domains): 'ada@example.org' is a mail address") })
      }
    }
  }

  @Test func overlappingRangesAreNamed() async throws {
    try await withFile("4012-4015 EE\n40150 LV  # one of them\n") { path in
      let error = #expect(throws: ConfigurationError.self) { try PolicyFiles(cardRanges: path).policy() }
      #expect(
        error?.problems
          == ["\(path): 40120000-40159999 EE and 40150000-40150999 LV overlap; a card must be of one country"]
      )
    }
  }

  @Test func aCardOfAnotherCountryIsNoticed() async throws {
    let order = try example("order.json")
    try await withFile("4111 FI\n") { path in
      try await withFraudDetection(["fraud-detection.card-ranges": path]) { role in
        let reply = try await role.screen(checkRequest(["e"], order))
        #expect(reply.results[0].findings.map(\.code) == ["card_country_mismatch"])
      }
    }
  }

  /// Rules and lists change while orders come; what is wrong is refused and told, and mended without a restart.
  @Test func changedFilesComeIntoForceByThemselves() async throws {
    let order = try example("order.json")
    try await withFolder { folder in
      let (rules, blocked) = ("\(folder)/rules.yaml", "\(folder)/blocked.txt")
      @Sendable func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
      }
      try write("thresholds: {reject: 100}\n", rules)
      try write("", blocked)
      let flags = [
        "state": folder, "fraud-detection.rules": rules, "fraud-detection.block-list": blocked,
        "fraud-detection.reload-interval": "20ms",
      ]
      try await withFraudDetection(flags) { role in
        func codes() async throws -> [String] {
          try await role.screen(checkRequest(["d"], order)).results[0].findings.map(\.code)
        }
        #expect(try await codes() == [])
        try write("example.org\n", blocked)
        try await eventually { try await codes() == ["email_domain_blocked"] }

        try write("thresholds: {reject: 2000}\n", rules)
        try await eventually { await role.report().details["rulesRefused"] != nil }
        #expect(await role.report().problems.isEmpty)
        #expect(
          await role.report().summary.contains("changed rules are refused: \(rules):1: thresholds.reject"))
        #expect(role.log.lines.count { $0.hasPrefix("error Changed rules are refused") } == 1)
        // The policy as it was, list and all.
        #expect(try await codes() == ["email_domain_blocked"])

        try write("scores: {email_domain_blocked: 0}\n", rules)
        try await eventually { await role.report().details["rulesRefused"] == nil }
        #expect(try await codes() == [])
        #expect(role.log.lines.contains { $0.hasPrefix("notice Changed rules are in force.") })
      }
    }
  }

  /// An amount's history does not go when the rules change; a velocity does only where its window has another length.
  @Test func newRulesKeepWhatIsRemembered() async throws {
    let order = try example("order.json")
    try await withFolder { folder in
      let rules = "\(folder)/rules.yaml"
      try Data("velocity: {orders-per-card: {most: 1}}\n".utf8).write(to: URL(fileURLWithPath: rules))
      let flags = [
        "state": folder, "fraud-detection.rules": rules, "fraud-detection.reload-interval": "20ms",
      ]
      try await withFraudDetection(flags) { role in
        func codes() async throws -> [String] {
          try await role.screen(checkRequest(["e"], order)).results[0].findings.map(\.code)
        }
        #expect(try await codes() == [])
        #expect(try await codes() == ["flagged_for_review", "orders_per_card"])
        try Data("velocity: {orders-per-card: {most: 2}}\n".utf8).write(to: URL(fileURLWithPath: rules))
        try await eventually {
          role.log.lines.contains { $0.hasPrefix("notice Changed rules are in force.") }
        }
        #expect(try await codes() == ["flagged_for_review", "orders_per_card"])
      }
    }
  }
}
