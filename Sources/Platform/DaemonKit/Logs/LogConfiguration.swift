package import JournalLog
package import Logging
import SystemdSupport

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

  /// Whether entries go to the journal with their fields: when standard error is the journal's, the journal
  /// is there, and no other format is asked for.
  package func isNative(environment: [String: String]) -> Bool {
    format == .text && NativeJournal.isStream(2, environment: environment) && NativeJournal.isReachable
  }

  /// A logger named after the process. `threshold`: its level from now on, which a reload may change.
  package func logger(
    _ label: String, environment: [String: String], clocks: Clocks, threshold: LogThreshold? = nil
  ) -> Logger {
    let threshold = threshold ?? LogThreshold(level)
    if isNative(environment: environment) {
      return Logger(label: label) { label in
        JournalLogHandler(label: label, threshold: threshold, writer: .native)
      }
    }
    let format = format
    let inJournal = NativeJournal.isStream(2, environment: environment)
    let isColoured = !inJournal && Self.wantsColour(environment)
    return Logger(label: label) { label in
      StandardErrorLogHandler(
        label: label, threshold: threshold, format: format, inJournal: inJournal, isColoured: isColoured,
        clocks: clocks)
    }
  }

  /// On a terminal that can, unless `NO_COLOR` is set (no-color.org).
  private static func wantsColour(_ environment: [String: String]) -> Bool {
    isatty(2) == 1 && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }
}

private enum LogLevelName: String, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
  var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
