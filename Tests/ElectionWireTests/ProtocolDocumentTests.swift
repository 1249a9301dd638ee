import BullyElection
import Foundation
import Testing

@testable import ElectionWire

/// docs/PROTOCOL.md is what others would write a second implementation from: it must say what this one does.
@Suite struct ProtocolDocumentTests {
  private let lines: [String]

  init() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("docs/PROTOCOL.md"), encoding: .utf8)
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The cells of the table under a heading, without its header.
  private func table(under heading: String) throws -> [[String]] {
    let start = try #require(lines.firstIndex(of: heading), "no heading \(heading)")
    let rows = lines[(start + 1)...].drop { !$0.hasPrefix("|") }.prefix { $0.hasPrefix("|") }
    return rows.dropFirst(2).map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test func theOffsetsAreThoseOfTheCodec() throws {
    let documented = try table(under: "### Layout").map { Array($0.prefix(3)) }
    let actual = ElectionLayout.fields.map { ["\($0.offset)", "\($0.length)", $0.name] }
    #expect(documented == actual)
    #expect(actual.count == 26)
    #expect(ElectionLayout.fields.last.map { $0.offset + $0.length } == ElectionLayout.length)
  }

  @Test func theExampleIsTheFixedVectorAndDecodes() throws {
    let start = try #require(lines.firstIndex(of: "### Example"))
    let block = lines[start...].drop { !$0.hasPrefix("```") }.dropFirst().prefix { !$0.hasPrefix("```") }
    // Offset, bytes in hex, what they are.
    let hex = block.compactMap { line -> String? in
      let words = line.split(separator: " ")
      return words.count >= 2 && Int(words[0]) != nil ? String(words[1]) : nil
    }.joined()
    #expect(hex == ElectionCodecTests.signed)
    var offset = 0
    for line in block {
      let words = line.split(separator: " ")
      #expect(Int(words[0]) == offset, "\(line)")
      offset += words[1].count / 2
    }
    #expect(offset == ElectionLayout.length)
    let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
      UInt8(hex.dropFirst($0).prefix(2), radix: 16)
    }
    let keys = try KeyRing(keys: [7: Array(UInt8(0)..<32)], signingKeyID: 7, policy: .enforce)
    var codec = ElectionCodec(cluster: "prod", keys: keys)
    let message = try codec.decode(bytes).get()
    #expect(message.kind == .coordinator && message.sender.rawValue == 3 && message.term == 9)
  }

  @Test func theKindsAndReasonsAreThoseOfTheCodec() throws {
    let node = try #require(NodeID(9))
    let kinds: [ElectionMessage.Kind] = [
      .election, .answer, .coordinator, .handoverRequest, .handoverAccepted,
      .resign(.stopping, successor: nil),
      .leaderQuery(node), .leaderHeard(node),
    ]
    let documented = try table(under: "## Messages").map { $0[0] }
    #expect(documented == kinds.map { "\(WireKind($0).code)" })
    let reasons = try table(under: "### Reasons of a resignation").map { Array($0.prefix(2)) }
    #expect(reasons == ResignReason.allCases.map { ["\($0.rawValue)", "`\($0)`"] })
  }

  @Test func everyReasonToDropIsListed() throws {
    let documented = Set(try table(under: "### What is dropped").map { $0[0] })
    let expected = DropReason.allCases.map { "`\($0.rawValue)`" } + ["`overrun`", "`no-buffer`"]
    #expect(documented == Set(expected))
  }

  @Test func theStatesAreThoseOfTheMachine() throws {
    let documented = try table(under: "## States").map { [$0[0], $0[2]] }
    let actual = BullyElection.Role.allCases.map { role in
      let next = BullyElection.Role.allCases.filter { role.canBecome.contains($0) }
      return ["`\(role.rawValue)`", next.isEmpty ? "(final)" : next.map(\.rawValue).joined(separator: ", ")]
    }
    #expect(documented == actual)
  }

  @Test func theDefaultsAreThoseOfTheMachine() throws {
    let defaults = BullyConfiguration()
    let expected: [String: String] = [
      "heartbeat": "\(defaults.heartbeat.milliseconds) ms",
      "missed heartbeats": "\(defaults.missedHeartbeats)",
      "presence": "every \(defaults.presence)th message", "jitter": "\(defaults.jitter.milliseconds) ms",
      "pre-check": "\(defaults.precheckTimeout.milliseconds) ms", "vouches": "\(defaults.maximumVouches)",
      "answer": "\(defaults.answerTimeout.milliseconds) ms",
      "coordinator": "\(defaults.coordinatorTimeout.milliseconds) ms",
      "claim": "\(defaults.claimTimeout.milliseconds) ms",
      "claim retry": "\(defaults.claimRetry.milliseconds) ms",
      "claim hold-off": "\(defaults.claimHoldoff.milliseconds) ms",
      "drain": "\(defaults.drainTimeout.milliseconds) ms",
      "handover": "\(defaults.handoverTimeout.milliseconds) ms",
      "late timer": "\(defaults.lateTimerTolerance.milliseconds) ms",
      "storm window": "\(defaults.stormWindow.milliseconds) ms",
      "storm back-off": "\(defaults.stormBackoff.milliseconds) ms",
    ]
    let documented = try table(under: "## Timers").map { ($0[0], $0[1]) }
    #expect(Dictionary(uniqueKeysWithValues: documented) == expected)
  }
}

extension Duration {
  fileprivate var milliseconds: Int64 {
    components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
  }
}
