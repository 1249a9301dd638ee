@preconcurrency import Dispatch
import Metrics
import Synchronization
import SystemdSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Hands entries to the journal from a queue of its own, so that no caller ever waits for it:
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

  private struct State {
    var waiting: [JournalEntry] = []
    var heldEntries = 0
    var heldBytes = 0
    var isSending = false
    /// Dropped since it was last said.
    var untold: UInt64 = 0
    var counts = Counts()
  }

  /// The journal of this machine.
  package static let native = JournalWriter(
    send: { NativeJournal.send($0.bytes, ends: $0.ends) }, refused: { writeToStandardError($0, errno: $1) })

  private let limits: Limits
  private let send: @Sendable (JournalEntry) -> Int32
  private let refused: @Sendable (JournalEntry, Int32) -> Void
  private let queue = DispatchQueue(label: "ordersd.journal")
  private let state = Mutex(State())

  /// `send` gives 0 or an errno; `refused` gets what could not be sent, with that errno.
  package init(
    limits: Limits = Limits(), send: @escaping @Sendable (JournalEntry) -> Int32,
    refused: @escaping @Sendable (JournalEntry, Int32) -> Void
  ) {
    self.limits = limits
    self.send = send
    self.refused = refused
  }

  package var counts: Counts { state.withLock { $0.counts } }

  /// Never waits.
  package func write(_ entry: JournalEntry) {
    let (begins, isDropped) = state.withLock { state -> (Bool, Bool) in
      guard state.heldEntries < limits.entries, state.heldBytes + entry.bytes.count <= limits.bytes else {
        state.counts.dropped += 1
        state.untold += 1
        return (false, true)
      }
      state.waiting.append(entry)
      state.heldEntries += 1
      state.heldBytes += entry.bytes.count
      defer { state.isSending = true }
      return (!state.isSending, false)
    }
    if isDropped { count("dropped") }
    if begins { queue.async { self.drain() } }
  }

  /// Waits until what was written before is with the journal; false when that takes longer than `bound`.
  @discardableResult
  package func flush(within bound: Duration) -> Bool {
    let done = DispatchSemaphore(value: 0)
    // Behind the drain that is under way: the queue is serial.
    queue.async { done.signal() }
    let nanoseconds = bound.components.seconds * 1_000_000_000 + bound.components.attoseconds / 1_000_000_000
    return done.wait(timeout: .now() + .nanoseconds(Int(nanoseconds))) == .success
  }

  private func drain() {
    while true {
      let batch = state.withLock { state -> [JournalEntry] in
        defer { state.waiting = [] }
        if state.waiting.isEmpty { state.isSending = false }
        return state.waiting
      }
      if batch.isEmpty { return }
      for entry in batch {
        deliver(entry)
        let untold = state.withLock { state -> UInt64 in
          state.heldEntries -= 1
          state.heldBytes -= entry.bytes.count
          // Only when there is room again, so that a flood is told of once and not at each gap.
          guard state.heldEntries < max(1, limits.entries / 2) else { return 0 }
          defer { state.untold = 0 }
          return state.untold
        }
        if untold > 0 { deliver(Self.note(dropped: untold, after: entry)) }
      }
    }
  }

  private func deliver(_ entry: JournalEntry) {
    let result = send(entry)
    state.withLock { state in
      if result == 0 { state.counts.sent += 1 } else { state.counts.refused += 1 }
    }
    guard result != 0 else { return }
    count("refused")
    refused(entry, result)
  }

  private func count(_ outcome: String) {
    Counter(label: "ordersd_journal_lost_total", dimensions: [("how", outcome)]).increment()
  }

  private static func note(dropped: UInt64, after entry: JournalEntry) -> JournalEntry {
    let event = DaemonEvent.entriesDropped
    var note = JournalEntry()
    note.add("MESSAGE", "\(event.definition.sentence) dropped=\(dropped)")
    note.add("PRIORITY", "\(event.definition.level.syslogPriority)")
    note.add("MESSAGE_ID", event.definition.id)
    note.add("EVENT", event.rawValue)
    for name in ["SYSLOG_IDENTIFIER", "ROLE"] {
      if let value = entry[name] { note.add(name, value) }
    }
    note.add("DROPPED", "\(dropped)")
    return note
  }

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
