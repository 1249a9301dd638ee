import DaemonKit
import Foundation
import JournalLog
import Logging
import Testing

/// Source = catalog = docs/JOURNAL.md = man page. `UPDATE_JOURNAL=1` rewrites the tables of the last two from
/// the first.
@Suite("The journal's documents")
struct JournalDocumentTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  private struct Event {
    let name: String
    let definition: EventDefinition
  }

  /// Of the script behind OnFailure=, the only event that no role writes.
  private static let unitFailed = Event(
    name: "unit-failed",
    definition: .init(
      "4128cb8a178841ebab631c019fc5d216", .critical, "<unit> has failed and is not started again: <how>."))

  private static let events =
    EventDefinition.all.map { Event(name: $0.name, definition: $0.definition) } + [unitFailed]

  @Test("Names, ids and sentences are given once")
  func unique() {
    let events = Self.events
    #expect(events.count > 60)
    #expect(Set(events.map(\.name)).count == events.count)
    #expect(Set(events.map(\.definition.id)).count == events.count)
    #expect(Set(events.map(\.definition.sentence)).count == events.count)
    for event in events {
      let id = event.definition.id
      #expect(id.count == 32 && id.allSatisfy { "0123456789abcdef".contains($0) }, "\(event.name): \(id)")
      #expect(event.name.allSatisfy { $0.isLowercase || $0 == "-" }, "\(event.name)")
    }
    for event in EventDefinition.all {
      #expect(EventDefinition.of(event.definition.sentence)?.name == event.name)
    }
  }

  @Test("Every event is logged somewhere, and by its name only")
  func used() throws {
    let folder = Self.root.appendingPathComponent("Sources")
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".swift") && !$0.contains("JournalLog/Events/") && !$0.hasPrefix("ordersd/Up/") }
    #expect(files.count > 100)
    let code = try files.map { try Self.text("Sources/\($0)") }.joined(separator: "\n")
    func check<Event: JournalEvent>(_ type: Event.Type) {
      for event in type.allCases {
        let isLogged = code.contains("\(type).\(event)")
        #expect(isLogged, "\(type).\(event) is never logged")
        let sentence = event.definition.sentence
        let isBare = code.contains("(\"\(sentence)\"") || code.contains(" \"\(sentence)\", metadata")
        #expect(!isBare, "logged without its event: \(sentence)")
      }
    }
    check(DaemonEvent.self)
    check(PeerEvent.self)
    check(ElectionEvent.self)
    check(QueueEvent.self)
    check(OrderEvent.self)
    check(CheckEvent.self)
    #expect(try Self.text("packaging/libexec/report-failure").contains(Self.unitFailed.definition.id))
  }

  @Test("The catalog explains every event, and nothing else, with fields that exist")
  func catalog() throws {
    let entries = try Self.text("packaging/catalog/ordersd.catalog").components(separatedBy: "\n-- ")
      .dropFirst()
    #expect(entries.map { String($0.prefix(32)) } == Self.events.map(\.definition.id))
    for entry in entries {
      let parts = entry.components(separatedBy: "\n\n")
      let header = parts[0].split(separator: "\n").dropFirst()
      let name = String(entry.prefix(32))
      #expect(
        header.map { String($0.prefix { $0 != ":" }) } == [
          "Subject", "Defined-By", "Support", "Documentation",
        ],
        "\(name)")
      #expect(header.allSatisfy { $0.count > 12 })
      #expect(parts.dropFirst().joined().count > 20, "\(name) says nothing")
      for (index, word) in entry.split(separator: "@", omittingEmptySubsequences: false).enumerated()
      where index % 2 == 1 {
        #expect(
          !word.isEmpty && word.allSatisfy { $0.isUppercase || $0 == "_" }, "\(name): no field @\(word)@")
      }
    }
  }

  @Test("docs/JOURNAL.md has the tables of the source")
  func page() throws {
    let fields = JournalField.table.map { field in
      "| `\(field.name)` | \(field.keys.map { "`\($0)`" }.joined(separator: ", ")) | \(field.meaning) |"
    }
    let events = Self.events.map { event in
      "| `\(event.name)` | \(event.definition.level) | \(event.definition.sentence) "
        + "| `\(event.definition.id)` |"
    }
    try agree(
      "docs/JOURNAL.md", between: "<!-- fields -->",
      ["| Field | Metadata | What it is |", "|---|---|---|"] + fields)
    try agree(
      "docs/JOURNAL.md", between: "<!-- events -->",
      ["| `EVENT` | Level | `MESSAGE` begins with | `MESSAGE_ID` |", "|---|---|---|---|"] + events)
  }

  @Test("ordersd-journal-fields(7) has the tables of the source")
  func manual() throws {
    let page = "docs/man/ordersd-journal-fields.7"
    try agree(
      page, between: ".\\\" fields",
      JournalField.table.flatMap { [".TP", "\\fB\(roff($0.name))\\fR", roff($0.meaning)] })
    try agree(
      page, between: ".\\\" events",
      Self.events.flatMap {
        [
          ".TP", "\\fB\(roff($0.name))\\fR (\($0.definition.level))", roff($0.definition.sentence), ".br",
          $0.definition.id,
        ]
      })
  }

  private func roff(_ text: String) -> String {
    var text = text.replacingOccurrences(of: "\\", with: "\\e").replacingOccurrences(of: "-", with: "\\-")
    text = text.replacingOccurrences(of: "'", with: "\\(aq").replacingOccurrences(of: "`", with: "\"")
    return text.replacingOccurrences(of: "…", with: "...")
  }

  /// What is between the first and the second `mark` of a file is `lines`.
  private func agree(_ path: String, between mark: String, _ lines: [String]) throws {
    let parts = try Self.text(path).components(separatedBy: mark + "\n")
    try #require(parts.count == 3, "\(path) has not two lines \(mark)")
    let wanted = lines.joined(separator: "\n") + "\n"
    guard ProcessInfo.processInfo.environment["UPDATE_JOURNAL"] == nil else {
      let text = [parts[0], wanted, parts[2]].joined(separator: mark + "\n")
      try text.write(to: Self.root.appendingPathComponent(path), atomically: true, encoding: .utf8)
      return
    }
    #expect(parts[1] == wanted, "\(path) differs from the source; UPDATE_JOURNAL=1 rewrites it")
  }

  @Test("The version is that of the changelog")
  func version() throws {
    #expect(try Self.text("packaging/debian/changelog").hasPrefix("ordersd (\(Release.version)) "))
  }
}
