import CoreTime

/// The peers that were heard, with what keeps late, doubled and former-life messages out. Bounded.
///
/// A peer lives under one incarnation at a time. Nothing in a datagram tells which of two lives is the later:
/// the one heard last counts, and the one that it displaced must be heard several times anew, beyond all that
/// was ever heard of it, before it counts again. So a few late or replayed datagrams of a former life are
/// dropped, and a live peer cannot be silenced for good by them.
struct PeerTable: Sendable {
  /// Former lives remembered for each peer.
  static let formerLives = 4
  /// New datagrams after which a displaced life counts again.
  static let signsOfLife = 5
  /// Coordinator messages in a row that may carry a term below the highest known. A live leader announces a
  /// higher one as soon as it is told; what goes on like this is deaf, or a recording.
  static let patience = 5

  /// One incarnation of a peer.
  private struct Life: Sendable {
    var incarnation: UInt64
    var window: SequenceWindow
    /// The sequence of the last thing it said about its own leadership: those must not be taken out of order.
    var leadershipSequence: UInt64 = 0
    /// New datagrams since it was displaced.
    var signs = 0
    /// Coordinator messages in a row below the highest term.
    var behind = 0

    init(_ message: ElectionMessage) {
      incarnation = message.incarnation
      window = SequenceWindow(first: message.sequence)
    }
  }

  private struct Peer: Sendable {
    var life: Life
    /// The latest displaced last.
    var former: [Life] = []
    var heardAt: Instant
    var eligible = false

    /// Whether the message is new and of the life that counts.
    mutating func admit(_ message: ElectionMessage) -> Bool {
      if message.incarnation == life.incarnation { return life.window.admit(message.sequence) }
      guard let index = former.firstIndex(where: { $0.incarnation == message.incarnation }) else {
        displace(by: Life(message))
        return true
      }
      guard message.sequence > former[index].window.highest,
        former[index].window.admit(message.sequence)
      else {
        return false
      }
      former[index].signs += 1
      guard former[index].signs >= PeerTable.signsOfLife else { return false }
      displace(by: former.remove(at: index))
      return true
    }

    private mutating func displace(by next: Life) {
      var displaced = life
      displaced.signs = 0
      former = (former + [displaced]).suffix(PeerTable.formerLives)
      life = next
      eligible = false
    }
  }

  private let capacity: Int
  private var peers: [NodeID: Peer] = [:]

  init(capacity: Int) { self.capacity = capacity }

  /// Takes note of a message. `false` when it is doubled, overtaken by a later one that matters, from a former
  /// life, or of a leader that does not learn of `highestTerm`.
  mutating func admit(_ message: ElectionMessage, highestTerm: UInt64, now: Instant) -> Bool {
    var peer: Peer
    if let known = peers[message.sender] {
      peer = known
      guard peer.admit(message) else {
        peers[message.sender] = peer
        return false
      }
    } else {
      if peers.count >= capacity { forgetOldest() }
      peer = Peer(life: Life(message), heardAt: now)
    }
    defer { peers[message.sender] = peer }
    if message.kind == .coordinator {
      peer.life.behind = message.term < highestTerm ? peer.life.behind + 1 : 0
      guard peer.life.behind <= Self.patience else { return false }
    }
    peer.heardAt = now
    if message.sequence == peer.life.window.highest { peer.eligible = message.eligible }
    guard message.kind.isAboutOwnLeadership else { return true }
    guard message.sequence > peer.life.leadershipSequence else { return false }
    peer.life.leadershipSequence = message.sequence
    return true
  }

  /// For tests of the bound.
  var rememberedLives: Int { peers.values.reduce(0) { $0 + 1 + $1.former.count } }

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
