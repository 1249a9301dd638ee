import CoreTime
package import JournalLog
package import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
  /// `2026-11-22T14:27:05.123Z info order-queue: Order enqueued. order_id=0192…`; in the journal an entry
  /// with fields, or, where its socket is not to be seen, a line with a `<N>` priority and without the time
  /// (sd-daemon(3)).
  case text
  /// One JSON object a line.
  case json
}

/// Writes each entry as one line, in one write(2), to standard error.
package struct StandardErrorLogHandler: LogHandler {
  package var metadata: Logger.Metadata = [:]
  package var metadataProvider: Logger.MetadataProvider?
  private var ownLevel: Logger.Level?
  private let threshold: LogThreshold
  private let label: String
  private let format: LogFormat
  private let inJournal: Bool
  private let isColoured: Bool
  private let clocks: Clocks

  /// `inJournal`: standard error is connected to the journal (`JOURNAL_STREAM`, systemd.exec(5)).
  /// `isColoured`: it is a terminal, and the level has the colour of its severity.
  package init(
    label: String, threshold: LogThreshold, format: LogFormat, inJournal: Bool, isColoured: Bool = false,
    clocks: Clocks
  ) {
    self.label = label
    self.threshold = threshold
    self.format = format
    self.inJournal = inJournal
    self.isColoured = isColoured
    self.clocks = clocks
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
    let fields = LogText.fields(of: event, metadata, metadataProvider)
    let line =
      switch format {
      case .text: textLine(event.level, "\(event.message)", fields)
      case .json: jsonLine(event.level, "\(event.message)", fields)
      }
    writeWhole(line)
  }

  private func textLine(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    let name = isColoured ? level.coloured : level.rawValue
    let start = inJournal ? "<\(level.syslogPriority)>" : "\(clocks.wall().rfc3339) \(name) \(label): "
    return start + LogText.line(message, fields) + "\n"
  }

  private func jsonLine(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: Logger.MetadataValue)]
  ) -> String {
    var pairs = [
      ("time", clocks.wall().rfc3339), ("level", level.rawValue), ("role", label), ("message", message),
    ]
    pairs += fields.map { ($0.key, "\($0.value)") }
    return "{" + pairs.map { "\(LogText.json($0.0)):\(LogText.json($0.1))" }.joined(separator: ",") + "}\n"
  }
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
  /// With the escapes of a terminal around it (ECMA-48, SGR).
  fileprivate var coloured: String {
    switch self {
    case .trace, .debug: "\u{1B}[2m\(rawValue)\u{1B}[0m"
    case .info: rawValue
    case .notice: "\u{1B}[1m\(rawValue)\u{1B}[0m"
    case .warning: "\u{1B}[33m\(rawValue)\u{1B}[0m"
    case .error, .critical: "\u{1B}[1;31m\(rawValue)\u{1B}[0m"
    }
  }
}
