package import Logging

/// Writes each entry into the journal with a field for each piece of metadata, so that `journalctl
/// ORDER_ID=…` finds it.
package struct JournalLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  private var ownLevel: Logger.Level?
  private let threshold: LogThreshold
  private let writer: JournalWriter
  private let label: String
  /// Fields of every entry of this process.
  private let constants: [(name: String, value: String)]

  /// `label`: the process, `executor-3`.
  package init(label: String, threshold: LogThreshold, writer: JournalWriter) {
    self.label = label
    self.threshold = threshold
    self.writer = writer
    let id = JournalField.value(label, of: "EXECUTOR_ID")
    constants = id == label ? [] : [("EXECUTOR_ID", id)]
  }

  package var logLevel: Logger.Level {
    get { ownLevel ?? threshold.level }
    set { ownLevel = newValue }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    writer.write(entry(event, LogText.fields(of: event, metadata, metadataProvider)))
  }

  private func entry(
    _ event: LogEvent, _ fields: [(key: String, value: Logger.MetadataValue)]
  ) -> JournalEntry {
    let sentence = "\(event.message)"
    var entry = JournalEntry()
    entry.add("MESSAGE", LogText.line(sentence, fields))
    entry.add("PRIORITY", "\(event.level.syslogPriority)")
    entry.add("SYSLOG_IDENTIFIER", label)
    entry.add("ROLE", label)
    if let named = EventDefinition.of(sentence) {
      entry.add("MESSAGE_ID", named.definition.id)
      entry.add("EVENT", named.name)
    }
    entry.add("CODE_FILE", event.file)
    entry.add("CODE_LINE", "\(event.line)")
    entry.add("CODE_FUNC", event.function)
    var names: Set<String> = []
    var order: String?
    for (key, value) in fields {
      let name = JournalField.name(for: key)
      // Two keys may become one field; the journal would keep both, and a reader would see only one of them.
      guard names.insert(name).inserted else { continue }
      let text = JournalField.value("\(value)", of: name)
      entry.add(name, text)
      if name == "ORDER_ID" { order = text }
    }
    if !names.contains("TRACE_ID"), let order, let trace = JournalField.traceID(ofOrder: order) {
      entry.add("TRACE_ID", trace)
    }
    for (name, value) in constants where !names.contains(name) { entry.add(name, value) }
    return entry
  }
}
