import CoreTime

/// The ready jobs of each priority in the order in which they became ready, so that who waits longest is known
/// without a look at all of them. 8 bytes for each job.
struct WaitLines: Sendable {
  private struct Link: Sendable {
    var older: Slot = .none
    var newer: Slot = .none
  }

  private struct Line: Sendable {
    var oldest: Slot = .none
    var newest: Slot = .none
  }

  /// How many a newcomer may overtake. Times nearly always come in order; after a clock was set back they do
  /// not, and then the line names one that is not quite the oldest rather than take long.
  private static let reach = 32

  private var lines: [Line]
  private var links = Column<Link>()

  init(priorities: Int) { lines = Array(repeating: Line(), count: priorities) }

  func oldest(_ priority: Int) -> Slot? {
    let oldest = lines[priority].oldest
    return oldest == .none ? nil : oldest
  }

  func next(after slot: Slot) -> Slot? {
    let newer = links[Int(slot)].newer
    return newer == .none ? nil : newer
  }

  mutating func add(_ slot: Slot, _ records: Column<JobRecord>) {
    let record = records[Int(slot)]
    let priority = Int(record.priority)
    var older = lines[priority].newest
    var steps = 0
    while older != .none, steps < Self.reach, record.readyAt < records[Int(older)].readyAt {
      older = links[Int(older)].older
      steps += 1
    }
    let newer = older == .none ? lines[priority].oldest : links[Int(older)].newer
    while links.count <= Int(slot) { links.append(Link()) }
    links[Int(slot)] = Link(older: older, newer: newer)
    if older == .none { lines[priority].oldest = slot } else { links[Int(older)].newer = slot }
    if newer == .none { lines[priority].newest = slot } else { links[Int(newer)].older = slot }
  }

  mutating func remove(_ slot: Slot, priority: Int) {
    let link = links[Int(slot)]
    if link.older == .none {
      lines[priority].oldest = link.newer
    } else {
      links[Int(link.older)].newer = link.newer
    }
    if link.newer == .none {
      lines[priority].newest = link.older
    } else {
      links[Int(link.newer)].older = link.older
    }
  }
}
