package import CoreTime

/// The two clocks, read by the shell at the same moment.
///
/// What must survive a restart is wall time: when a job was enqueued, is due, expires, until when the queue
/// is paused. What measures how long a peer may stay silent is monotonic: the deadlines of job leases and of
/// leadership. Those are not durable; a restart grants each its full duration again, because the peer could
/// not reach the queue meanwhile.
package struct Now: Sendable, Hashable {
  package var wall: Timestamp
  package var monotonic: Instant

  package init(wall: Timestamp, monotonic: Instant) {
    self.wall = wall
    self.monotonic = monotonic
  }
}

/// The limits and periods of a queue. Values out of range are brought into it.
package struct QueueConfiguration: Sendable, Hashable {
  /// Most jobs that are ready, delayed, leased or buried together; beyond it `enqueue` answers `full`. 1 to
  /// 2^32 − 1.
  package var capacity: Int
  /// How soon it makes sense to try again when the queue is full.
  package var fullRetryAfter: Duration
  /// How often a job is leased before it is buried. At least 1.
  package var deliveryLimit: Int
  /// Most jobs in one `lease`. At least 1.
  package var maxLeaseBatch: Int
  /// The longest lease that a leader may ask for. At least 1 ms.
  package var maxLease: Duration
  package var backoff: Backoff
  /// The longest delay that a `nack` may ask for.
  package var maxDelay: Duration
  /// Ageing: each full `maxWait` that a job stays ready raises it by one level, up to level 0, in front of
  /// what was enqueued after it there. The time counts from when it last became ready. Nil: strict priority.
  /// At least 1 ms.
  package var maxWait: Duration?
  /// From how long a wait on a lease counts as starved; for the counter only.
  package var starvationAfter: Duration
  /// How long leadership lasts without a renewal. At least 1 ms.
  package var leadershipLease: Duration
  /// Most lanes. 1 to 65,535.
  package var maxLanes: Int
  /// How many finished jobs are remembered by id, so that a repeated `enqueue`, `ack` or `cancel` of a recent
  /// one needs no look into the store.
  package var recentCapacity: Int
  /// Most jobs that one `tick` moves; `nextDeadline` is then zero. At least 1.
  package var maxTickWork: Int
  /// Most bytes of a reason that are kept.
  package var maxReasonLength: Int

  static let mostLanes = 65_535

  package init(
    capacity: Int = 100_000, fullRetryAfter: Duration = .seconds(1), deliveryLimit: Int = 5,
    maxLeaseBatch: Int = 256, maxLease: Duration = .seconds(600), backoff: Backoff = Backoff(),
    maxDelay: Duration = .seconds(86_400), maxWait: Duration? = nil, starvationAfter: Duration = .seconds(60),
    leadershipLease: Duration = .seconds(3),
    maxLanes: Int = 64, recentCapacity: Int = 16_384, maxTickWork: Int = 4_096, maxReasonLength: Int = 512
  ) {
    self.capacity = min(max(1, capacity), Int(Slot.none))
    self.fullRetryAfter = max(.zero, fullRetryAfter)
    self.deliveryLimit = max(1, deliveryLimit)
    self.maxLeaseBatch = max(1, maxLeaseBatch)
    self.maxLease = max(.milliseconds(1), maxLease)
    self.backoff = backoff
    self.maxDelay = max(.zero, maxDelay)
    self.maxWait = maxWait.map { max(.milliseconds(1), $0) }
    self.starvationAfter = starvationAfter
    self.leadershipLease = max(.milliseconds(1), leadershipLease)
    self.maxLanes = min(max(1, maxLanes), Self.mostLanes)
    self.recentCapacity = max(0, recentCapacity)
    self.maxTickWork = max(1, maxTickWork)
    self.maxReasonLength = max(0, maxReasonLength)
  }
}

/// Exponential backoff with jitter between the attempts of a job.
///
/// The nth attempt's delay is drawn evenly from the upper half of `min(maximum, base * 2^(n-1))`: half of it
/// keeps the distance, the other half spreads jobs that failed together ("equal jitter", M. Brooker, AWS
/// Architecture Blog, 2015).
package struct Backoff: Sendable, Hashable {
  package var base: Duration
  package var maximum: Duration

  package init(base: Duration = .milliseconds(500), maximum: Duration = .seconds(60)) {
    self.base = max(.zero, base)
    self.maximum = max(self.base, maximum)
  }

  /// The delay after `attempt` attempts, 1 or more, in whole milliseconds.
  package func delay(afterAttempt attempt: Int, using random: inout some RandomNumberGenerator) -> Duration {
    let ceiling = maximum.millisecondsClamped
    var milliseconds = base.millisecondsClamped
    var doublings = max(0, attempt - 1)
    while doublings > 0, milliseconds > 0, milliseconds < ceiling {
      milliseconds = milliseconds > ceiling / 2 ? ceiling : milliseconds * 2
      doublings -= 1
    }
    milliseconds = min(milliseconds, ceiling)
    return .milliseconds(Int64.random(in: (milliseconds / 2)...milliseconds, using: &random))
  }
}
