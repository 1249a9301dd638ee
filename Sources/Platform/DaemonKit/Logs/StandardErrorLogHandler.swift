import CoreTime
package import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
  /// `2026-11-22T14:27:05.123Z info order-queue: Order enqueued. order_id=0192…`; in the journal without the time, with
  /// a `<N>` priority (sd-daemon(3)).
  case text
  /// One JSON object a line.
  case json
}

/// Writes each entry as one line, in one write(2), to standard error.
package struct StandardErrorLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level
  package var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let format: LogFormat
  private let inJournal: Bool
  private let clocks: Clocks

  /// `inJournal`: standard error is connected to the journal (`JOURNAL_STREAM`, systemd.exec(5)).
  package init(label: String, level: Logger.Level, format: LogFormat, inJournal: Bool, clocks: Clocks) {
    self.label = label
    self.logLevel = level
    self.format = format
    self.inJournal = inJournal
    self.clocks = clocks
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
    if let given = event.metadata { fields.merge(given) { _, new in new } }
    if let error = event.error { fields["error"] = "\(error)" }
    let sorted = fields.sorted { $0.key < $1.key }
    let line =
      switch format {
      case .text: textLine(event.level, "\(event.message)", sorted)
      case .json: jsonLine(event.level, "\(event.message)", sorted)
      }
    writeWhole(line)
  }

  private func textLine(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    var line =
      inJournal ? "<\(level.syslogPriority)>" : "\(clocks.wall().rfc3339) \(level.rawValue) \(label): "
    line += message
    for (key, value) in fields { line += " \(key)=\(quoted("\(value)"))" }
    // Newlines beyond ASCII begin with one of these two bytes; most lines hold none, and are not taken apart.
    if line.utf8.contains(where: { $0 < 0x20 || $0 == 0xC2 || $0 == 0xE2 }) {
      line = String(line.map { $0.isNewline ? " " : $0 })
    }
    return line + "\n"
  }

  private func jsonLine(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    var pairs = [
      ("time", clocks.wall().rfc3339), ("level", level.rawValue), ("role", label), ("message", message),
    ]
    pairs += fields.map { ($0.key, "\($0.value)") }
    return "{" + pairs.map { "\(jsonString($0.0)):\(jsonString($0.1))" }.joined(separator: ",") + "}\n"
  }

  private func quoted(_ value: String) -> String {
    value.isEmpty || value.utf8.contains(where: { [0x20, 0x22, 0x3D].contains($0) })
      ? jsonString(value) : value
  }
}

/// `text` as a JSON string literal (RFC 8259 §7).
private func jsonString(_ text: String) -> String {
  var literal = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": literal += "\\\""
    case "\\": literal += "\\\\"
    case "\n": literal += "\\n"
    case "\r": literal += "\\r"
    case "\t": literal += "\\t"
    case _ where scalar.value < 0x20:
      let digits = String(scalar.value, radix: 16)
      literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: literal.unicodeScalars.append(scalar)
    }
  }
  return literal + "\""
}

private func writeWhole(_ line: String) {
  var bytes = Array(line.utf8)[...]
  while !bytes.isEmpty {
    let written = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    if written < 0 && errno == EINTR { continue }
    // A log that cannot be written has nowhere to be reported.
    if written <= 0 { return }
    bytes = bytes.dropFirst(written)
  }
}

extension Logger.Level {
  /// syslog(3) priorities, as sd-daemon(3) wants them.
  fileprivate var syslogPriority: Int {
    switch self {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
