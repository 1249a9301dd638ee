package import Logging

/// Something that happens to ordersd and is worth an explanation: it has a name, a MESSAGE_ID, a level and
/// one sentence for ever. The catalog (packaging/catalog/ordersd.catalog) says what it means and what to do
/// next.
///
/// The sentence of a log entry comes from here and nowhere else, so that a backend can tell the event by it
/// (`EventDefinition.of`), and entries carry no mark of their own.
package protocol JournalEvent: Sendable, CaseIterable, RawRepresentable where RawValue == String {
  var definition: EventDefinition { get }
}

package struct EventDefinition: Sendable, Hashable {
  /// 128 bits as 32 hexadecimal digits: the entry's MESSAGE_ID (systemd.journal-fields(7)). Never given to
  /// another one.
  package let id: String
  package let level: Logger.Level
  /// What the entry's message begins with.
  package let sentence: String

  package init(_ id: String, _ level: Logger.Level, _ sentence: String) {
    self.id = id
    self.level = level
    self.sentence = sentence
  }
}

extension EventDefinition {
  /// An event and its name, which is the field EVENT.
  package struct Named: Sendable {
    package let name: String
    package let definition: EventDefinition
  }

  /// Every event of ordersd, by area.
  package static let all: [Named] =
    named(DaemonEvent.self) + named(PeerEvent.self) + named(ElectionEvent.self) + named(QueueEvent.self)
    + named(OrderEvent.self) + named(CheckEvent.self)

  /// Nil for an entry that is no event.
  package static func of(_ sentence: String) -> Named? { bySentence[sentence] }

  private static let bySentence = Dictionary(all.map { ($0.definition.sentence, $0) }) { first, _ in first }

  private static func named<Event: JournalEvent>(_ type: Event.Type) -> [Named] {
    type.allCases.map { Named(name: $0.rawValue, definition: $0.definition) }
  }
}

extension Logger {
  /// Logs an event, at its level and with its sentence.
  package func tell(
    _ event: some JournalEvent, metadata: @autoclosure () -> Logger.Metadata? = nil, file: String = #fileID,
    function: String = #function, line: UInt = #line
  ) {
    let definition = event.definition
    log(
      level: definition.level, "\(definition.sentence)", metadata: metadata(), file: file, function: function,
      line: line)
  }
}
