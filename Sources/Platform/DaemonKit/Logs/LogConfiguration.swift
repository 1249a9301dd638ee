package import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Settings `log.level` and `log.format`.
package struct LogConfiguration: Sendable {
  package var level: Logger.Level
  package var format: LogFormat

  package init(level: Logger.Level = .info, format: LogFormat = .text) {
    self.level = level
    self.format = format
  }

  package init(reader: SettingsReader) {
    level = reader.choice("log.level", default: LogLevelName.info, "Least severe level that is logged.").level
    format = reader.choice("log.format", default: LogFormat.text, "How log lines look.")
  }

  /// A logger named after the role.
  package func logger(_ label: String, environment: [String: String], clocks: Clocks) -> Logger {
    let inJournal = isJournal(2, environment["JOURNAL_STREAM"])
    let (level, format) = (level, format)
    return Logger(label: label) { label in
      StandardErrorLogHandler(
        label: label, level: level, format: format, inJournal: inJournal, clocks: clocks)
    }
  }
}

private enum LogLevelName: String, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
  var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// Whether `descriptor` is the stream that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)).
private func isJournal(_ descriptor: Int32, _ stream: String?) -> Bool {
  guard let parts = stream?.split(separator: ":"), parts.count == 2 else { return false }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { return false }
  return parts[0] == String(status.st_dev) && parts[1] == String(status.st_ino)
}
