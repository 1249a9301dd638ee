import CoreTime
import JournalLog
import Logging
package import OrderDomain
import OrderWire
import PriorityQueue

// Work streams: leadership that hangs on a stream, and orders pushed as they become ready.
extension QueueEngine {
  /// Opens a work stream for the holder of the fence's epoch. A second stream of the same leadership takes
  /// the first one's place. `held`: all that the executor still has; what else is leased to it was lost.
  package func openWork(
    _ fence: LeaderFence, executor: Int, incarnation: UInt64, lease: Duration,
    held: Set<OrderID>? = nil, pipe: Pipe<WorkLink.Item>
  ) -> Pending<WorkLink> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let link = WorkLink(
      id: nextLink, leader: LeaderToken(lane: fence.lane, executor: executor, epoch: fence.epoch),
      incarnation: incarnation, lease: lease, pipe: pipe)
    nextLink += 1
    if let fence = bind(link, now: now) { return .failure(FencedError(fence: fence)) }
    if let held {
      let step = machine.takeBackLost(link.leader, held: held, now: now)
      if !step.changes.isEmpty { hand(StoreStep(changes: step.changes, at: now.wall)) }
    }
    // Closed, so that it is promised no order that nobody would read.
    for older in links.values where older.leader == link.leader {
      older.close()
      older.pipe.finish()
    }
    links[link.id] = link
    logger.debug(
      "A work stream is open.",
      metadata: ["lane": "\(fence.lane)", "executor": "\(executor)", "epoch": "\(fence.epoch)"])
    let leadershipLease = configuration.machine.leadershipLease
    let pending = Pending<WorkLink>()
    hand(StoreStep(changes: [], at: now.wall)) { result in
      switch result {
      case .success:
        pipe.push(.opened(leadershipLease: leadershipLease))
        pending.resolve(.success(link))
      case .failure(let error):
        // Its caller has no link that it could close.
        link.close()
        pending.resolve(.failure(error))
      }
    }
    return pending
  }

  /// Ties a leadership to its stream and gives its leases their full length. Returns why not.
  func bind(_ link: WorkLink, now: Now) -> Fence? {
    let leader = link.leader
    let record = leaders[leader.lane]
    guard let record, record.epoch == leader.epoch, record.executor == leader.executor,
      record.incarnation == link.incarnation, record.vacancy != .resigned
    else {
      return Fence(
        yours: leader.epoch, current: record?.epoch ?? 0,
        holder: record.flatMap { $0.vacancy == nil ? $0 : nil })
    }
    let step = machine.claim(
      LeadershipClaim(
        lane: leader.lane, executor: leader.executor, incarnation: link.incarnation, term: record.term,
        stream: link.id), now: now)
    if !step.changes.isEmpty { hand(StoreStep(changes: step.changes, at: now.wall)) }
    for job in leases(of: leader) {
      _ = machine.touch(job.id, leader, duration: job.lease?.duration ?? link.lease, now: now)
    }
    return nil
  }

  /// False when more are outstanding than allowed.
  package func grant(_ credits: Int, to link: WorkLink) -> Bool {
    makeUpForStandstill()
    defer { pump() }
    return link.grant(credits)
  }

  /// The stream has ended, in whatever way.
  package func closeWork(_ link: WorkLink) {
    makeUpForStandstill()
    link.close()
    link.pipe.finish()
    // While the store is refused the link stays listed, so that its end is not forgotten.
    guard desk.failure == nil else { return }
    links[link.id] = nil
    if desk.isOpen { release(link) }
  }

  /// Ends the leadership that hung on the stream. The leases are kept for the holder to come back to, but no
  /// longer than a leadership lasts without a renewal; the next claim takes them at once.
  func release(_ link: WorkLink) {
    let now = now
    let leader = link.leader
    let step = machine.holderStreamClosed(lane: leader.lane, epoch: leader.epoch, stream: link.id)
    guard step.answer == .vacated else { return }
    logger.tell(
      QueueEvent.laneClosed,
      metadata: ["lane": "\(leader.lane)", "executor": "\(leader.executor)", "epoch": "\(leader.epoch)"])
    let grace = configuration.machine.leadershipLease
    for job in leases(of: leader) {
      if let deadline = job.lease?.deadline, deadline > now.monotonic + grace {
        _ = machine.touch(job.id, leader, duration: grace, now: now)
      }
    }
    hand(StoreStep(changes: step.changes, at: now.wall))
  }

  private func leases(of leader: LeaderToken) -> [JobQueue.Job] {
    machine.list(.leased, limit: .max).filter { $0.lease?.leader == leader }
  }

  /// For `together`.
  func pumpLinks() {
    guard !links.isEmpty, desk.isOpen, !desk.isCrowded else { return }
    for link in links.values.sorted(by: { $0.id < $1.id }) { pump(link) }
  }

  /// Orders in one message, so that a message stays below 4 MiB whatever the bodies.
  static let pushBatch = 48

  private func pump(_ link: WorkLink) {
    let leader = link.leader
    while let record = leaders[leader.lane], record.epoch == leader.epoch, record.vacancy == nil,
      machine.readyCount(lane: leader.lane) > 0
    {
      let wanted = min(link.credits, Self.pushBatch)
      guard wanted > 0 else { return }
      let now = now
      let step = machine.lease(leader, max: wanted, duration: link.lease, now: now)
      guard case .leased(let jobs) = step.answer, !step.changes.isEmpty else { return }
      link.spend(jobs.count)
      hand(StoreStep(changes: step.changes, at: now.wall, wantsBodies: true)) { result in
        switch result {
        case .success(let receipt): link.pipe.push(.deliveries(jobs.compactMap { Delivery($0, receipt) }))
        case .failure: link.refund(jobs.count)
        }
      }
    }
  }
}
