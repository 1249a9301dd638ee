package import CoreTime

/// A call under an epoch that is not (or no longer) the caller's right: FAILED_PRECONDITION.
package struct Fence: Sendable, Hashable {
  package var yours: Epoch
  /// 0 when nobody ever led the lane.
  package var current: Epoch
  /// Who leads now; nil when nobody does. With `yours == current` and nil, the caller's leadership lapsed:
  /// claim again.
  package var holder: LeadershipRecord?

  package init(yours: Epoch, current: Epoch, holder: LeadershipRecord?) {
    self.yours = yours
    self.current = current
    self.holder = holder
  }
}

package enum EnqueueAnswer: Sendable, Hashable {
  /// `ready` or `delayed`; `expired` when it was too late on arrival.
  case enqueued(JobState)
  /// The id is known; nothing changed.
  case duplicate(JobState)
  /// RESOURCE_EXHAUSTED
  case full(capacity: Int, retryAfter: Duration)
  case draining
  case tooManyLanes(limit: Int)
  case invalidPriority
}

package enum TouchAnswer: Sendable, Hashable {
  case touched(deadline: Instant)
  case fenced(Fence)
  /// Not leased in this lane: the state that it has instead.
  case notLeased(JobState)
  case unknown
}

package enum AckAnswer: Sendable, Hashable {
  /// `late`: the lease had run out under the caller's epoch, but nobody else had been given the job.
  case acked(late: Bool)
  /// Done before: the repeat of an ack whose reply was lost.
  case alreadyDone
  case fenced(Fence)
  case notLeased(JobState)
  case unknown
}

package enum NackAnswer: Sendable, Hashable {
  /// It comes back at `readyAt`; the state is ready, delayed or expired.
  case returned(JobState, readyAt: Timestamp)
  /// That was the last attempt.
  case buried(attempts: Int)
  case fenced(Fence)
  case notLeased(JobState)
  case unknown
}

package enum BuryAnswer: Sendable, Hashable {
  case buried
  case fenced(Fence)
  case notLeased(JobState)
  case unknown
}

package enum KickAnswer: Sendable, Hashable {
  /// Ready, or expired when its time has run out meanwhile.
  case kicked(JobState)
  case notBuried(JobState)
  case unknown
}

package enum CancelAnswer: Sendable, Hashable {
  case cancelled
  case alreadyCancelled
  /// Leased, done or expired; the holder when it is leased.
  case tooLate(JobState, holder: LeaderToken?)
  case unknown
}

package enum RenewAnswer: Sendable, Hashable {
  case renewed(deadline: Instant)
  case fenced(Fence)
}

package enum ResignAnswer: Sendable, Hashable {
  case resigned
  case fenced(Fence)
}

package enum StreamClosedAnswer: Sendable, Hashable {
  case vacated
  /// Not the stream of the lane's current holder.
  case ignored
}

extension PriorityQueue {
  package enum LeaseAnswer: Sendable, Hashable {
    /// In the order in which they are to be carried out. Empty when nothing is ready.
    case leased([Job])
    case paused(QueueGate.Pause)
    case fenced(Fence)
  }

  package enum ClaimAnswer: Sendable, Hashable {
    /// A new epoch. What the old one had leased went back: `returned` is ready again, `buried` had no attempt
    /// left.
    case granted(Epoch, deadline: Instant, returned: [ID], buried: [ID])
    /// The claimer held this epoch already; its leases go on.
    case resumed(Epoch, deadline: Instant)
    case heldBy(LeadershipRecord)
    case tooManyLanes(limit: Int)
  }

  /// What the passing of time did.
  package struct TickAnswer: Sendable, Hashable {
    /// Delayed jobs whose time came.
    package var becameReady: [ID] = []
    /// Leases that ran out and are ready again.
    package var returned: [ID] = []
    /// Leases that ran out on the last attempt.
    package var buried: [ID] = []
    package var expired: [ID] = []
    package var leadershipExpired: [LeadershipRecord] = []
    package var pauseEnded = false

    package init() {}
  }
}
