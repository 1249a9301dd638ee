import CoreTime
import PriorityQueue
import Randomness

typealias Queue = PriorityQueue<Int>

extension Now {
  /// `milliseconds` after a start at which the two clocks read different values.
  static func at(_ milliseconds: Int64) -> Now {
    Now(
      wall: Timestamp(milliseconds: 1_700_000_000_000 + milliseconds),
      monotonic: Instant(nanoseconds: (5_000 + milliseconds) * 1_000_000))
  }
}

/// A queue, its clock, and the store that a shell would write: every change is applied to `rows`.
struct Bench {
  var queue: Queue
  var random: SplitMix64
  var milliseconds: Int64 = 0
  var rows: [Int: Queue.Job] = [:]
  var leadership: [String: LeadershipRecord] = [:]
  var gate = QueueGate()
  var causes: [ChangeCause] = []
  let configuration: QueueConfiguration

  init(_ configuration: QueueConfiguration = QueueConfiguration(), seed: UInt64 = 1) {
    self.configuration = configuration
    queue = Queue(configuration: configuration, now: .at(0))
    random = SplitMix64(seed: seed)
  }

  var now: Now { .at(milliseconds) }

  mutating func write<Answer>(_ step: Queue.Step<Answer>) -> Answer {
    for change in step.changes {
      switch change {
      case .inserted(let job): rows[job.id] = job
      case .stateChanged(let job, _, let cause):
        rows[job.id] = job
        causes.append(cause)
      case .leadershipChanged(let record): leadership[record.lane] = record
      case .gateChanged(let changed): gate = changed
      }
    }
    return step.answer
  }

  /// What the store would hand to a restarted queue.
  var snapshot: Queue.Snapshot {
    var snapshot = Queue.Snapshot()
    let sorted = rows.values.sorted { $0.sequence < $1.sequence }
    for row in sorted where !row.state.isFinal { snapshot.add(row) }
    snapshot.recent = sorted.filter(\.state.isFinal).map { ($0.id, $0.state) }
    snapshot.done = sorted.count { $0.state == .done }
    snapshot.cancelled = sorted.count { $0.state == .cancelled }
    snapshot.expired = sorted.count { $0.state == .expired }
    snapshot.leadership = Array(leadership.values)
    snapshot.gate = gate
    snapshot.lastSequence = sorted.last?.sequence ?? 0
    return snapshot
  }

  mutating func restart() {
    queue = write(Queue.restore(snapshot, configuration: configuration, now: now))
  }

  /// Lets `duration` milliseconds pass, then ticks.
  @discardableResult
  mutating func pass(_ duration: Int64) -> Queue.TickAnswer {
    milliseconds += duration
    return write(queue.tick(now: now))
  }

  @discardableResult
  mutating func enqueue(
    _ id: Int, priority: Int = 5, lane: String = "main", notBefore: Int64? = nil, expiresAt: Int64? = nil
  ) -> EnqueueAnswer {
    let new = Queue.NewJob(
      id: id, lane: lane, priority: priority, notBefore: notBefore.map { Now.at($0).wall },
      expiresAt: expiresAt.map { Now.at($0).wall })
    return write(queue.enqueue(new, now: now))
  }

  mutating func claim(
    _ executor: Int, lane: String = "main", incarnation: UInt64 = 1, stream: UInt64? = nil
  ) -> Queue.ClaimAnswer {
    let claim = LeadershipClaim(
      lane: lane, executor: executor, incarnation: incarnation, term: 1, stream: stream)
    return write(queue.claim(claim, now: now))
  }

  /// Claims, and gives the token of what was granted or resumed.
  mutating func lead(_ executor: Int, lane: String = "main", incarnation: UInt64 = 1) -> LeaderToken {
    let epoch: Epoch =
      switch claim(executor, lane: lane, incarnation: incarnation) {
      case .granted(let epoch, _, _, _), .resumed(let epoch, _): epoch
      case .heldBy, .tooManyLanes: 0
      }
    return LeaderToken(lane: lane, executor: executor, epoch: epoch)
  }

  /// The ids leased; nil when the lease was refused.
  mutating func lease(_ leader: LeaderToken, max: Int = 1, for milliseconds: Int64 = 10_000) -> [Int]? {
    let answer = write(queue.lease(leader, max: max, duration: .milliseconds(milliseconds), now: now))
    guard case .leased(let jobs) = answer else { return nil }
    return jobs.map(\.id)
  }

  mutating func ack(_ id: Int, _ leader: LeaderToken) -> AckAnswer {
    write(queue.ack(id, leader, now: now))
  }

  mutating func nack(
    _ id: Int, _ leader: LeaderToken, delay: Int64? = nil, countsAsAttempt: Bool = true
  ) -> NackAnswer {
    write(
      queue.nack(
        id, leader, delay: delay.map { .milliseconds($0) }, reason: "try later",
        countsAsAttempt: countsAsAttempt,
        now: now, using: &random))
  }
}
