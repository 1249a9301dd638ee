import CoreTime
import Metrics
import OrderDomain
import OrderStore
import PriorityQueue

/// How long orders wait for a lease, and how long leases last.
///
/// Ages are counted from when this process leased, or read, the order.
struct LeaseWatch {
  private var starts: [OrderID: Instant] = [:]
  private var line = AgeLine<OrderID, Instant>()
  private let waits = Metrics.Timer(label: "ordersd_queue_wait_seconds")
  private let lengths = Metrics.Timer(label: "ordersd_queue_lease_seconds")

  /// The age of the lease that is held longest; nil when nothing is leased.
  func oldest(at now: Instant) -> Duration? { line.oldest.map { max(.zero, now - $0.time) } }

  /// How many leases are held now, by how long they have been held in milliseconds. Looks at each of them.
  func ages(at now: Instant) -> Spread {
    var ages = Spread(bounds: [
      100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_600_000,
    ])
    for start in starts.values { ages.add(Double(max(.zero, now - start).millisecondsClamped)) }
    return ages
  }

  mutating func note(_ job: JobQueue.Job, from: JobState, at wall: Timestamp, _ now: Instant) {
    if job.state == .leased {
      waits.recordNanoseconds(max(.zero, wall - job.readyAt).nanosecondsClamped)
      began(job.id, at: now)
    } else if from == .leased, let start = starts.removeValue(forKey: job.id) {
      lengths.recordNanoseconds((now - start).nanosecondsClamped)
      line.settle(waiting: starts.count) { [starts] id, time in starts[id] == time }
    }
  }

  mutating func began(_ id: OrderID, at now: Instant) {
    starts[id] = now
    line.add(id, at: now)
  }
}
