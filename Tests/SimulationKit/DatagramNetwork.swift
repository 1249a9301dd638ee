import BullyElection

/// The network of the election's datagrams: any of them may be lost, doubled, late or out of order.
struct DatagramNetwork {
  var profile: NetworkProfile
  private let count: Int
  /// By `from * count + to`: until when everything is lost.
  private var cutUntil: [WorldTime]
  /// Until when everything waits.
  private var clogUntil: [WorldTime]
  var losses: [Loss] = []

  struct Loss {
    var kind: String
    var from: Int
    var to: Int?
    var count: Int
  }

  init(profile: NetworkProfile, nodes: Int) {
    self.profile = profile
    count = nodes
    cutUntil = Array(repeating: 0, count: nodes * nodes)
    clogUntil = cutUntil
  }

  mutating func cut(_ from: Int, _ to: Int, until: WorldTime) {
    cutUntil[from * count + to] = max(cutUntil[from * count + to], until)
  }

  mutating func clog(_ from: Int, _ to: Int, until: WorldTime) {
    clogUntil[from * count + to] = max(clogUntil[from * count + to], until)
  }

  /// Everything passes from now on, as quickly as it does on a good network.
  mutating func heal() {
    for index in cutUntil.indices {
      cutUntil[index] = 0
      clogUntil[index] = 0
    }
    losses = []
    profile.lossPerMille = 0
    profile.duplicatePerMille = 0
    profile.tailPerMille = 0
    profile.longestDelay = min(profile.longestDelay, 900_000)
  }

  func isCut(_ from: Int, _ to: Int, _ now: WorldTime) -> Bool { cutUntil[from * count + to] > now }

  func isWhole(_ now: WorldTime) -> Bool {
    profile.lossPerMille == 0 && profile.tailPerMille == 0 && !cutUntil.contains { $0 > now }
      && !clogUntil.contains { $0 > now }
  }

  /// When the copies of a datagram arrive; none when it is lost.
  mutating func arrivals(
    _ message: ElectionMessage, from: Int, to: Int, now: WorldTime, _ dice: inout Dice
  ) -> [WorldTime] {
    if isCut(from, to, now) || isLost(message, from, to) || dice.chance(perMille: profile.lossPerMille) {
      return []
    }
    var delay = dice.between(profile.shortestDelay, profile.longestDelay)
    if dice.chance(perMille: profile.tailPerMille) { delay += dice.between(0, profile.tail) }
    let first = max(now, clogUntil[from * count + to]) + delay
    guard dice.chance(perMille: profile.duplicatePerMille) else { return [first] }
    return [first, first + dice.between(0, profile.longestReplay)]
  }

  private mutating func isLost(_ message: ElectionMessage, _ from: Int, _ to: Int) -> Bool {
    guard !losses.isEmpty else { return false }
    let name = message.kind.name
    for index in losses.indices {
      let loss = losses[index]
      guard loss.count > 0, loss.kind == name, loss.from == from, loss.to == nil || loss.to == to
      else { continue }
      losses[index].count -= 1
      return true
    }
    return false
  }
}

extension ElectionMessage.Kind {
  /// As the textbooks write it.
  package var name: String {
    switch self {
    case .election: "ELECTION"
    case .answer: "ANSWER"
    case .coordinator: "COORDINATOR"
    case .handoverRequest: "HANDOVER-REQUEST"
    case .handoverAccepted: "HANDOVER-ACCEPTED"
    case .resign: "RESIGN"
    case .leaderQuery: "LEADER-QUERY"
    case .leaderHeard: "LEADER-HEARD"
    }
  }
}
