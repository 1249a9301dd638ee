import SystemdSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Hands entries to the journal from a thread of its own, so that no caller ever waits for it:
/// sd_journal_sendv(3) blocks while journald does not read.
///
/// The queue is bounded. What does not fit is dropped and counted, and an entry says so once there is room
/// (`entries-dropped`). An entry that the journal refuses is written to standard error instead, once, and
/// counted.
package final class JournalWriter: Sendable {
  /// Entries and bytes that may wait, what is being sent included.
  package struct Limits: Sendable {
    package var entries: Int
    package var bytes: Int

    package init(entries: Int = 4_096, bytes: Int = 4 << 20) {
      self.entries = entries
      self.bytes = bytes
    }
  }

  package struct Counts: Sendable, Hashable {
    package var sent: UInt64 = 0
    package var dropped: UInt64 = 0
    package var refused: UInt64 = 0

    package init(sent: UInt64 = 0, dropped: UInt64 = 0, refused: UInt64 = 0) {
      (self.sent, self.dropped, self.refused) = (sent, dropped, refused)
    }
  }

  /// The journal of this machine.
  package static let native = JournalWriter(
    send: { NativeJournal.send($0.bytes, ends: $0.ends) }, refused: { writeToStandardError($0, errno: $1) })

  private let sender: JournalSender

  /// `send` gives 0 or an errno; `refused` gets what could not be sent, with that errno.
  package init(
    limits: Limits = Limits(), send: @escaping @Sendable (JournalEntry) -> Int32,
    refused: @escaping @Sendable (JournalEntry, Int32) -> Void
  ) {
    sender = JournalSender(limits: limits, send: send, refused: refused)
  }

  deinit { sender.close() }

  package var counts: Counts { sender.counts }

  /// Never waits.
  package func write(_ entry: JournalEntry) { sender.write(entry) }

  /// Waits until everything is with the journal; false when that takes longer than `bound`.
  @discardableResult
  package func flush(within bound: Duration) -> Bool { sender.flush(within: bound) }

  /// As a line that the journal's stream, if it is one, understands (sd-daemon(3)).
  private static func writeToStandardError(_ entry: JournalEntry, errno error: Int32) {
    let message = entry["MESSAGE"] ?? ""
    let line = "<\(entry["PRIORITY"] ?? "6")>\(message) (not taken by the journal: errno \(error))\n"
    _ = Array(line.utf8).withUnsafeBytes { writeBytes(2, $0.baseAddress, $0.count) }
  }
}

/// write(2), which is hidden by the method of the same name above.
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
