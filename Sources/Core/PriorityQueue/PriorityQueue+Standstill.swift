import CoreTime

extension PriorityQueue {
  /// The queue itself stood still for so long: stopped, or behind a disk that did not answer. Nobody could renew
  /// or touch meanwhile, so leadership and leases go on from where they were. Deadlines are not durable, so
  /// nothing is to be written.
  package mutating func stoodStill(for pause: Duration) {
    guard pause > .zero else { return }
    for slot in leased.slots {
      if let deadline = jobs[slot].lease?.deadline { jobs.setDeadline(deadline + pause, of: slot) }
    }
    leased.rekey { DueKey(time: $0.time + pause, sequence: $0.sequence) }
    ledger.stoodStill(for: pause)
  }
}
