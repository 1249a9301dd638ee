import CSystemd

/// An entry of the journal as it was read. Fields that begin with `_` were put there by journald and can be trusted.
package struct JournalRecord: Sendable {
  package let fields: [String: String]
  /// By the clock of the machine that wrote it.
  package let microseconds: UInt64

  package subscript(name: String) -> String? { fields[name] }
}

/// The journal could not be read: what was tried, and an error number.
package struct JournalReadError: Error, CustomStringConvertible {
  package let what: String
  package let errno: Int32

  package var description: String { "\(what): error \(errno) of libsystemd" }
}

/// Looks entries up in the journal by its index, with sd_journal_open(3).
package final class JournalReader {
  /// Bytes of a value that are kept.
  private static let longestValue = 65_536

  private let journal: OpaquePointer

  /// `folder`: journal files of any machines; nil for this machine's own. Throws `JournalReadError`.
  package init(folder: String?) throws {
    var journal: OpaquePointer?
    let result =
      folder.map { sd_journal_open_directory(&journal, $0, 0) }
      ?? sd_journal_open(&journal, Int32(SD_JOURNAL_LOCAL_ONLY))
    guard result >= 0, let journal else {
      throw JournalReadError(
        what: "the journal\(folder.map { " in \($0)" } ?? "") cannot be opened", errno: -result)
    }
    self.journal = journal
  }

  deinit { sd_journal_close(journal) }

  /// When its oldest entry was written; nil when it has none that may be read.
  package func oldest() -> UInt64? {
    var from: UInt64 = 0
    return sd_journal_get_cutoff_realtime_usec(journal, &from, nil) > 0 ? from : nil
  }

  /// The entries that have for each of these fields one of its values, at most `limit`, in the journal's order.
  package func entries(_ matches: [(field: String, value: String)], limit: Int) throws -> [JournalRecord] {
    sd_journal_flush_matches(journal)
    for match in matches {
      let text = "\(match.field)=\(match.value)"
      let result = sd_journal_add_match(journal, text, text.utf8.count)
      guard result >= 0 else { throw JournalReadError(what: "cannot look for \(text)", errno: -result) }
    }
    var result = sd_journal_seek_head(journal)
    guard result >= 0 else { throw JournalReadError(what: "cannot read the journal", errno: -result) }
    var records: [JournalRecord] = []
    while records.count < limit {
      result = sd_journal_next(journal)
      guard result >= 0 else { throw JournalReadError(what: "cannot read the journal", errno: -result) }
      if result == 0 { break }
      records.append(record())
    }
    return records
  }

  private func record() -> JournalRecord {
    var fields: [String: String] = [:]
    sd_journal_restart_data(journal)
    var start: UnsafeRawPointer?
    var length = 0
    while sd_journal_enumerate_available_data(journal, &start, &length) > 0, let start {
      let bytes = UnsafeRawBufferPointer(start: start, count: min(length, Self.longestValue))
      guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")) else { continue }
      fields[String(decoding: bytes[..<sign], as: UTF8.self)] = String(
        decoding: bytes[(sign + 1)...], as: UTF8.self)
    }
    var microseconds: UInt64 = 0
    sd_journal_get_realtime_usec(journal, &microseconds)
    return JournalRecord(fields: fields, microseconds: microseconds)
  }
}
