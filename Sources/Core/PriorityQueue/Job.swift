package import CoreTime

/// A lane's generation of leadership: grows with every grant, and is the fencing token. 0 means none yet.
package typealias Epoch = UInt64

/// Where a job is.
package enum JobState: String, Sendable, Hashable, Codable, CaseIterable {
  /// Can be leased. Can turn into leased, expired, cancelled, buried by an operator, done by a late ack.
  case ready
  /// Waits for its time. Can turn into ready, expired, cancelled, buried by an operator, done by a late ack.
  case delayed
  /// With the leader of its lane. Can turn into done, ready, delayed, buried.
  case leased
  /// Dead-lettered, with its reason. Can turn into ready (kicked), cancelled.
  case buried
  /// Acknowledged. Final.
  case done
  /// Withdrawn. Final.
  case cancelled
  /// Not begun in time. Final.
  case expired

  package var isFinal: Bool {
    switch self {
    case .done, .cancelled, .expired: true
    case .ready, .delayed, .leased, .buried: false
    }
  }
}

/// Why a job changed, for the timeline and the journal.
package enum ChangeCause: String, Sendable, Hashable, Codable, CaseIterable {
  case enqueued, due, leased, acked, nacked, buried, kicked, cancelled
  /// The job's own time ran out (`expiresAt`).
  case overdue
  /// The leader neither finished nor touched it in time.
  case leaseExpired
  /// Another epoch began in the lane.
  case leaderReplaced
  case leaderResigned
  /// It was handed out and never reached its leader.
  case lost
  /// It came back once more than `deliveryLimit` allows.
  case deliveryLimit
}

/// Who leads a lane, and by which right; every leader's call carries it.
package struct LeaderToken: Sendable, Hashable {
  package var lane: String
  package var executor: Int
  package var epoch: Epoch

  package init(lane: String, executor: Int, epoch: Epoch) {
    self.lane = lane
    self.executor = executor
    self.epoch = epoch
  }
}

package struct JobLease: Sendable, Hashable {
  package var leader: LeaderToken
  /// Full length; a restart grants it anew.
  package var duration: Duration
  /// Not durable: means nothing after a restart.
  package var deadline: Instant

  package init(leader: LeaderToken, duration: Duration, deadline: Instant = .zero) {
    self.leader = leader
    self.duration = duration
    self.deadline = deadline
  }
}

extension PriorityQueue {
  /// What the queue knows of a job, and what a row of the store holds; its body stays in the store.
  package struct Job: Sendable, Hashable {
    package var id: ID
    /// Jobs belong to a lane for life, so that the epochs under which a job is handed out only grow.
    package var lane: String
    /// 0 (most urgent) … 9
    package var priority: Int
    /// Position in the order of arrival; kept for life, so a job that comes back is in front of later ones.
    package var sequence: UInt64
    package var state: JobState
    /// Deliveries that count towards the limit. A kick sets it to 0.
    package var attempts: Int
    package var enqueuedAt: Timestamp
    /// When it last became ready, or is due when it is delayed.
    package var readyAt: Timestamp
    /// When it is too late to begin it. Does not apply while it is leased or buried.
    package var expiresAt: Timestamp?
    /// Exactly when it is leased.
    package var lease: JobLease?
    /// The epoch that may ack it: its lease's, or that of the lease which ran out or was given up by a
    /// resignation (a late ack); 0 when there is none.
    package var ackEpoch: Epoch
    /// Why it last came back or was buried.
    package var reason: String?

    package init(
      id: ID, lane: String, priority: Int, sequence: UInt64, state: JobState, attempts: Int = 0,
      enqueuedAt: Timestamp, readyAt: Timestamp, expiresAt: Timestamp? = nil, lease: JobLease? = nil,
      ackEpoch: Epoch = 0, reason: String? = nil
    ) {
      self.id = id
      self.lane = lane
      self.priority = priority
      self.sequence = sequence
      self.state = state
      self.attempts = attempts
      self.enqueuedAt = enqueuedAt
      self.readyAt = readyAt
      self.expiresAt = expiresAt
      self.lease = lease
      self.ackEpoch = ackEpoch
      self.reason = reason
    }
  }

  /// What the shell writes, in order and in one transaction, before it replies.
  package enum Change: Sendable, Hashable {
    /// A new row.
    case inserted(Job)
    /// The row as it now is. Final states are reported to the outcomes. Changes with cause `due` may be
    /// written late or not at all: restoring computes them again.
    case stateChanged(Job, from: JobState, cause: ChangeCause)
    /// The lane's row as it now is, inserted or replaced.
    case leadershipChanged(LeadershipRecord)
    case gateChanged(QueueGate)
  }

  /// What a call answers, and what must be durable before the answer leaves.
  package struct Step<Answer: Sendable>: Sendable {
    package let answer: Answer
    package let changes: [Change]
  }
}

/// What an operator has shut.
package struct QueueGate: Sendable, Hashable {
  /// Leasing is refused. Touch, ack and nack go on.
  package var pause: Pause
  /// Enqueueing is refused. Leasing goes on, so the queue runs empty.
  package var draining: Bool

  package enum Pause: Sendable, Hashable {
    case none
    case indefinitely
    /// Ends by itself, at the first tick at or after that time.
    case until(Timestamp)
  }

  package init(pause: Pause = .none, draining: Bool = false) {
    self.pause = pause
    self.draining = draining
  }
}
