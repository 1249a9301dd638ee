import NIOCore

/// Decides when a socket that seems well is to be opened again.
///
/// Linux does not close a UDP socket when its interface goes away, and the group's membership goes with the
/// interface: one that comes back under the same name and address is another one (netdevice(7), ip(7)). The
/// socket is deaf and mute then, without an error. But what a socket sends to a group that it has joined
/// comes back to it (IP_MULTICAST_LOOP). To single peers there is no such echo: there only failures show.
struct EchoWatch: Sendable {
  enum Verdict: Sendable, Hashable {
    case well
    /// Open it again. `isNews`: it was well before, so this is worth a line in the log.
    case reopen(isNews: Bool)
  }

  /// Datagrams in a row that did not come back or could not be sent.
  static let mostMisses = 20
  /// No verdict before the first of them is so old: an echo may wait behind a flood.
  static let patience = TimeAmount.seconds(1)
  /// Opening it again in vain doubles the patience, up to this.
  static let longestPatience = TimeAmount.seconds(30)

  /// Whether what is sent comes back.
  private let hasEcho: Bool
  private var misses = 0
  private var since: NIODeadline?
  /// The last ones that were sent and have not come back; at most `mostMisses`.
  private var awaited: [[UInt8]] = []
  private var patience = Self.patience
  private var isDeaf = false

  init(hasEcho: Bool) { self.hasEcho = hasEcho }

  /// The kernel took a datagram.
  mutating func sent(_ bytes: [UInt8], now: NIODeadline) -> Verdict {
    guard hasEcho else {
      works()
      return .well
    }
    if awaited.count == Self.mostMisses { awaited.removeFirst() }
    awaited.append(bytes)
    return missed(now)
  }

  /// The kernel refused a datagram.
  mutating func failed(now: NIODeadline) -> Verdict { missed(now) }

  /// The socket is gone, and another one will be opened: the verdict's doing, or the kernel's error did what
  /// the verdict would have. The patience stays as it is, longer when opening it again was in vain.
  mutating func lost() {
    startOver()
    isDeaf = true
  }

  /// A datagram came in. True when it is one's own after a time without: the socket works again.
  mutating func received(_ bytes: [UInt8]) -> Bool {
    guard awaited.contains(bytes) else { return false }
    return works()
  }

  @discardableResult
  private mutating func works() -> Bool {
    let wasDeaf = isDeaf
    startOver()
    patience = Self.patience
    isDeaf = false
    return wasDeaf
  }

  private mutating func startOver() {
    misses = 0
    since = nil
    awaited = []
  }

  private mutating func missed(_ now: NIODeadline) -> Verdict {
    misses += 1
    let start = since ?? now
    since = start
    guard misses >= Self.mostMisses, now - start >= patience else { return .well }
    let isNews = !isDeaf
    isDeaf = true
    startOver()
    patience = min(TimeAmount.nanoseconds(patience.nanoseconds * 2), Self.longestPatience)
    return .reopen(isNews: isNews)
  }
}
