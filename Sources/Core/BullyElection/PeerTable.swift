import CoreTime

/// The peers that were heard, with what keeps late, doubled and former-life messages out. Bounded.
struct PeerTable: Sendable {
  /// Former incarnations remembered for each peer.
  private static let lives = 4

  private struct Peer: Sendable {
    var incarnation: UInt64
    /// The highest sequence seen, and which of the 64 up to it (bit 0 is `highest`).
    var highest: UInt64
    var seen: UInt64 = 1
    /// The sequence of the last thing it said about its own leadership: those must not be taken out of order.
    var leadershipSequence: UInt64 = 0
    var heardAt: Instant
    var eligible = false
    var formerIncarnations: [UInt64] = []

    /// Whether `sequence` is new: late is fine, as datagrams overtake each other, twice or very late is not.
    mutating func admit(_ sequence: UInt64) -> Bool {
      if sequence > highest {
        let ahead = sequence - highest
        seen = ahead < 64 ? (seen << ahead) | 1 : 1
        highest = sequence
        return true
      }
      let behind = highest - sequence
      guard behind < 64, seen & (1 << behind) == 0 else { return false }
      seen |= 1 << behind
      return true
    }
  }

  private let capacity: Int
  private var peers: [NodeID: Peer] = [:]

  init(capacity: Int) { self.capacity = capacity }

  /// Takes note of a message. `false` when it is doubled, overtaken by a later one that matters, or from a
  /// former life.
  mutating func admit(_ message: ElectionMessage, now: Instant) -> Bool {
    var peer: Peer
    if let known = peers[message.sender] {
      peer = known
      if peer.incarnation == message.incarnation {
        guard peer.admit(message.sequence) else { return false }
      } else {
        guard !peer.formerIncarnations.contains(message.incarnation) else { return false }
        let former = (peer.formerIncarnations + [peer.incarnation]).suffix(Self.lives)
        peer = Peer(incarnation: message.incarnation, highest: message.sequence, heardAt: now)
        peer.formerIncarnations = Array(former)
      }
    } else {
      if peers.count >= capacity { forgetOldest() }
      peer = Peer(incarnation: message.incarnation, highest: message.sequence, heardAt: now)
    }
    peer.heardAt = now
    if message.sequence == peer.highest { peer.eligible = message.eligible }
    defer { peers[message.sender] = peer }
    guard message.kind.isAboutOwnLeadership else { return true }
    guard message.sequence > peer.leadershipSequence else { return false }
    peer.leadershipSequence = message.sequence
    return true
  }

  /// Peers heard since `instant`.
  func count(since instant: Instant) -> Int { peers.values.count { $0.heardAt >= instant } }

  /// Those heard since `instant` that said they could lead, in no order.
  func eligible(since instant: Instant) -> [NodeID] {
    peers.filter { $0.value.eligible && $0.value.heardAt >= instant }.map(\.key)
  }

  private mutating func forgetOldest() {
    // The id breaks ties: the order of a dictionary must not show, or a replay would differ.
    let oldest = peers.min { ($0.value.heardAt, $0.key) < ($1.value.heardAt, $1.key) }
    if let oldest { peers.removeValue(forKey: oldest.key) }
  }
}

/// Counts elections in a sliding window. Bounded by the limit it is asked about.
struct StormDetector: Sendable {
  private static let mostRemembered = 4_096
  private var elections: [Instant] = []

  /// Elections in the window that ends `now`.
  mutating func count(now: Instant, window: Duration) -> Int {
    elections.removeAll { $0 <= now - window }
    return elections.count
  }

  mutating func record(now: Instant, window: Duration) {
    if count(now: now, window: window) < Self.mostRemembered { elections.append(now) }
  }
}

extension ElectionMessage.Kind {
  /// Whether a later message of this kind makes an earlier one void.
  fileprivate var isAboutOwnLeadership: Bool {
    switch self {
    case .coordinator, .resign: true
    case .election, .answer, .handoverRequest, .handoverAccepted, .leaderQuery, .leaderHeard: false
    }
  }
}
