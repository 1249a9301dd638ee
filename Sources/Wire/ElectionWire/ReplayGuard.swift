package import BullyElection

/// Recognises datagrams that were taken before, by sender, incarnation and sequence. No clocks; bounded.
///
/// For each incarnation it remembers which of the last 64 sequences came (RFC 4303 §3.4.3). A datagram
/// recorded before this process started passes once; the machine's terms and the queue's epochs make that
/// harmless.
package struct ReplayGuard: Sendable {
  private struct Source: Sendable, Hashable {
    var sender: NodeID
    var incarnation: UInt64
  }

  private struct Window: Sendable {
    var sequences: SequenceWindow
    var used: UInt64
  }

  private let capacity: Int
  private var windows: [Source: Window] = [:]
  private var uses: UInt64 = 0

  /// Remembers at most `capacity` incarnations, at least 1; the one unused for longest is forgotten.
  package init(capacity: Int) { self.capacity = max(1, capacity) }

  package var count: Int { windows.count }

  /// Whether this one is new. Marks it as taken.
  package mutating func admit(sender: NodeID, incarnation: UInt64, sequence: UInt64) -> Bool {
    let source = Source(sender: sender, incarnation: incarnation)
    uses &+= 1
    guard var window = windows[source] else {
      if windows.count >= capacity { forgetOne() }
      windows[source] = Window(sequences: SequenceWindow(first: sequence), used: uses)
      return true
    }
    guard window.sequences.admit(sequence) else { return false }
    window.used = uses
    windows[source] = window
    return true
  }

  private mutating func forgetOne() {
    if let oldest = windows.min(by: { $0.value.used < $1.value.used }) {
      windows.removeValue(forKey: oldest.key)
    }
  }
}
