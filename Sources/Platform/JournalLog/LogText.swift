package import Logging

/// How an entry reads as text.
package enum LogText {
  /// The metadata of an entry, by key: that of the logger, then of the task, then what was given with the entry, each
  /// over the one before.
  package static func fields(
    of event: LogEvent, _ own: Logger.Metadata, _ provider: Logger.MetadataProvider?
  ) -> [(key: String, value: Logger.MetadataValue)] {
    var fields = own
    if let provided = provider?.get() { fields.merge(provided) { _, new in new } }
    if let given = event.metadata { fields.merge(given) { _, new in new } }
    if let error = event.error { fields["error"] = "\(error)" }
    return fields.sorted { $0.key < $1.key }
  }

  /// `Order enqueued. order_id=0192… reason="as asked"`, without line breaks.
  package static func line(_ message: String, _ fields: [(key: String, value: Logger.MetadataValue)])
    -> String
  {
    var line = message
    for (key, value) in fields { line += " \(key)=\(quoted("\(value)"))" }
    // Newlines beyond ASCII begin with one of these two bytes; most lines hold none, and are not taken apart.
    guard line.utf8.contains(where: { $0 < 0x20 || $0 == 0xC2 || $0 == 0xE2 }) else { return line }
    return String(line.map { $0.isNewline ? " " : $0 })
  }

  private static func quoted(_ value: String) -> String {
    value.isEmpty || value.utf8.contains(where: { $0 == 0x20 || $0 == 0x22 || $0 == 0x3D })
      ? json(value) : value
  }

  /// `text` as a JSON string literal (RFC 8259 §7).
  package static func json(_ text: String) -> String {
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
}

extension Logger.Level {
  /// syslog(3) priorities, as sd-daemon(3) wants them.
  package var syslogPriority: Int {
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
