import CoreTime

/// The peers that were heard, with what keeps late, doubled and former-life messages out. Bounded.
struct PeerTable: Sendable {
  /// Former incarnations remembered for each peer.
  private static let lives = 4

  private struct Peer: Sendable {
    var incarnation: UInt64
    var sequence: UInt64
    var heardAt: Instant
    var formerIncarnations: [UInt64] = []
  }

  private let capacity: Int
  private var peers: [NodeID: Peer] = [:]

  init(capacity: Int) { self.capacity = capacity }

  /// Takes note of a message. `false` when it is doubled, overtaken by a later one, or from a former life.
  mutating func admit(_ message: ElectionMessage, now: Instant) -> Bool {
    guard var peer = peers[message.sender] else {
      if peers.count >= capacity { forgetOldest() }
      peers[message.sender] = Peer(
        incarnation: message.incarnation, sequence: message.sequence, heardAt: now)
      return true
    }
    if peer.incarnation == message.incarnation {
      guard message.sequence > peer.sequence else { return false }
    } else {
      guard !peer.formerIncarnations.contains(message.incarnation) else { return false }
      peer.formerIncarnations.append(peer.incarnation)
      if peer.formerIncarnations.count > Self.lives { peer.formerIncarnations.removeFirst() }
      peer.incarnation = message.incarnation
    }
    peer.sequence = message.sequence
    peer.heardAt = now
    peers[message.sender] = peer
    return true
  }

  /// Peers heard since `instant`.
  func count(since instant: Instant) -> Int { peers.values.count { $0.heardAt >= instant } }

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
