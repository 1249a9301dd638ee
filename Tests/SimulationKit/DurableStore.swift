import PriorityQueue

typealias JobQueue = PriorityQueue<Int>

/// What is on the queue's disk: rows, written by whole transactions.
struct DurableStore {
  private(set) var jobs: [Int: JobQueue.Job] = [:]
  private(set) var leadership: [String: LeadershipRecord] = [:]
  private(set) var gate = QueueGate()
  /// In the order in which they were finished.
  private(set) var finished: [(id: Int, state: JobState)] = []
  /// Every lease that was ever on disk.
  private(set) var leases: Set<Lease> = []

  struct Lease: Hashable {
    var id: Int
    var epoch: Epoch
    var attempt: Int
  }

  /// Writes one transaction. Returns what is wrong with it.
  mutating func commit(_ changes: [JobQueue.Change]) -> [String] {
    var problems: [String] = []
    for change in changes {
      switch change {
      case .inserted(let job):
        if jobs[job.id] != nil { problems.append("order \(job.id) was inserted twice") }
        write(job)
      case .stateChanged(let job, _, _):
        if let before = jobs[job.id], before.state.isFinal {
          problems.append(
            "order \(job.id) was \(before.state.rawValue), which is final, and became \(job.state.rawValue)")
        }
        write(job)
      case .leadershipChanged(let record):
        if let before = leadership[record.lane], before.epoch > record.epoch {
          problems.append("the epoch went from \(before.epoch) back to \(record.epoch)")
        }
        leadership[record.lane] = record
      case .gateChanged(let gate): self.gate = gate
      }
    }
    for job in jobs.values where job.state == .leased {
      let current = leadership[job.lane]?.epoch
      if job.lease?.leader.epoch != current {
        problems.append(
          "order \(job.id) is on disk as leased under epoch \(job.lease?.leader.epoch ?? 0), "
            + "the current one is \(current ?? 0)")
      }
    }
    return problems
  }

  var snapshot: JobQueue.Snapshot {
    var snapshot = JobQueue.Snapshot()
    let live = jobs.values.filter { !$0.state.isFinal }.sorted { $0.sequence < $1.sequence }
    for job in live { snapshot.add(job) }
    snapshot.leadership = leadership.values.sorted { $0.lane < $1.lane }
    snapshot.gate = gate
    snapshot.done = finished.count { $0.state == .done }
    snapshot.cancelled = finished.count { $0.state == .cancelled }
    snapshot.expired = finished.count { $0.state == .expired }
    snapshot.recent = finished
    snapshot.lastSequence = jobs.values.map(\.sequence).max() ?? 0
    return snapshot
  }

  private mutating func write(_ job: JobQueue.Job) {
    jobs[job.id] = job
    if job.state.isFinal { finished.append((job.id, job.state)) }
    if let lease = job.lease {
      leases.insert(Lease(id: job.id, epoch: lease.leader.epoch, attempt: job.attempts))
    }
  }
}
