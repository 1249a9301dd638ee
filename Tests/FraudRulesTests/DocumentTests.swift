import FoundationEssentials
import FraudRules
import Testing

/// The rows of docs/ERRORS.md for the events d and e: event, code, score.
private func documentedRules() throws -> [[String]] {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  let text = String(decoding: try Data(contentsOf: root.appending(path: "docs/ERRORS.md")), as: UTF8.self)
  return text.split(separator: "\n").compactMap { line in
    let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
    return line.hasPrefix("| d |") || line.hasPrefix("| e |") ? Array(cells.prefix(3)) : nil
  }
}

@Test func everyRuleStandsInTheDocumentWithItsScore() throws {
  let rows = try documentedRules()
  #expect(rows.map { $0[1] } == FraudRuleCode.allCases.map(\.rawValue) + [FraudRuleCode.flaggedForReview])
  for row in rows {
    guard let code = FraudRuleCode(rawValue: row[1]) else { continue }
    #expect(row[2] == (code.hasOwnScore ? "\(code.defaultScore)" : "eventd's"), "\(code)")
  }
}
