import Metrics
import NIOConcurrencyHelpers
import Synchronization
import SystemdSupport

/// The queue of a `JournalWriter`, and the thread that empties it.
final class JournalSender: Sendable {
  private struct State {
    var waiting: [JournalEntry] = []
    var heldEntries = 0
    var heldBytes = 0
    var isSending = false
    /// Dropped since it was last said.
    var untold: UInt64 = 0
    var isClosed = false
    var counts = JournalWriter.Counts()
  }

  private let limits: JournalWriter.Limits
  private let send: @Sendable (JournalEntry) -> Int32
  private let refused: @Sendable (JournalEntry, Int32) -> Void
  private let state = Mutex(State())
  /// Whether there is something for the thread to do.
  private let work = ConditionLock(value: false)
  /// Whether everything has been sent.
  private let idle = ConditionLock(value: true)
  /// Without a thread, whoever writes sends.
  private let hasThread = Atomic<Bool>(false)

  init(
    limits: JournalWriter.Limits, send: @escaping @Sendable (JournalEntry) -> Int32,
    refused: @escaping @Sendable (JournalEntry, Int32) -> Void
  ) {
    self.limits = limits
    self.send = send
    self.refused = refused
    hasThread.store(DetachedThread.start { self.run() } == 0, ordering: .relaxed)
  }

  var counts: JournalWriter.Counts { state.withLock { $0.counts } }

  /// The thread ends when everything has been sent.
  func close() {
    state.withLock { $0.isClosed = true }
    wake()
  }

  func write(_ entry: JournalEntry) {
    let (begins, isDropped) = state.withLock { state -> (Bool, Bool) in
      guard state.heldEntries < limits.entries, state.heldBytes + entry.bytes.count <= limits.bytes else {
        state.counts.dropped += 1
        state.untold += 1
        return (false, true)
      }
      state.waiting.append(entry)
      state.heldEntries += 1
      state.heldBytes += entry.bytes.count
      let begins = !state.isSending
      if begins { setIdle(false) }
      state.isSending = true
      return (begins, false)
    }
    if isDropped { count("dropped") }
    if begins { wake() }
  }

  func flush(within bound: Duration) -> Bool {
    let seconds = Double(bound.components.seconds) + Double(bound.components.attoseconds) * 1e-18
    guard idle.lock(whenValue: true, timeoutSeconds: seconds) else { return false }
    idle.unlock()
    return true
  }

  private func wake() {
    guard hasThread.load(ordering: .relaxed) else { return drain() }
    work.lock()
    work.unlock(withValue: true)
  }

  private func run() {
    repeat {
      work.lock(whenValue: true)
      work.unlock(withValue: false)
      drain()
    } while !state.withLock { $0.isClosed }
  }

  private func setIdle(_ isIdle: Bool) {
    idle.lock()
    idle.unlock(withValue: isIdle)
  }

  private func drain() {
    while true {
      let batch = state.withLock { state -> [JournalEntry] in
        defer { state.waiting = [] }
        if state.waiting.isEmpty {
          state.isSending = false
          setIdle(true)
        }
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
}
