import CoreTime
import PriorityQueue

/// What the checkers know by themselves, from what was said aloud and from the queue's clock, without asking
/// the machines that they check.
struct Oracle {
  enum Standing { case none, live, closed, resigned }

  private(set) var epoch: UInt64 = 0
  private(set) var executor = 0
  private(set) var incarnation: UInt64 = 0
  /// The node of the executor that was last granted an epoch.
  var holder: Int?
  private(set) var standing = Standing.none
  /// Until when the queue keeps each epoch without a renewal, by its clock.
  private(set) var leaseUntil: [UInt64: Instant] = [:]
  /// Who was told to hold each epoch: node and life.
  var told: [UInt64: (node: Int, life: Int)] = [:]
  var highestTold: UInt64 = 0
  /// Connections whose epoch the queue has accepted, oldest first.
  var links: [Int] = []
  /// Orders that the outbox knows to be in the queue.
  var acknowledged: Set<Int> = []
  /// Orders whose ack was confirmed.
  var confirmed: Set<Int> = []

  var isVacant: Bool { standing != .live }

  func isLive(_ now: Instant) -> Bool {
    guard standing == .live, let until = leaseUntil[epoch] else { return false }
    return now < until
  }

  mutating func granted(_ epoch: UInt64, _ executor: Int, _ incarnation: UInt64, until: Instant) {
    (self.epoch, self.executor, self.incarnation) = (epoch, executor, incarnation)
    standing = .live
    leaseUntil[epoch] = until
  }

  mutating func extended(_ epoch: UInt64, until: Instant, isOpen: Bool?) {
    leaseUntil[epoch] = max(leaseUntil[epoch] ?? until, until)
    if isOpen != nil, epoch == self.epoch { standing = .live }
  }

  mutating func resigned(_ epoch: UInt64) { if epoch == self.epoch { standing = .resigned } }

  mutating func closed(_ epoch: UInt64) { if epoch == self.epoch { standing = .closed } }

  /// The queue restarted with what its disk says.
  mutating func restored(_ record: LeadershipRecord?, until: Instant) {
    links = []
    epoch = record?.epoch ?? 0
    executor = record?.executor ?? 0
    incarnation = record?.incarnation ?? 0
    switch record?.vacancy {
    case nil: standing = record == nil ? .none : .live
    case .resigned: standing = .resigned
    case .streamClosed, .leaseExpired: standing = .closed
    }
    if standing == .live { leaseUntil[epoch] = max(leaseUntil[epoch] ?? until, until) }
  }
}
