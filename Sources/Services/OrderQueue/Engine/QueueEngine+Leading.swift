import CoreTime
import JournalLog
import Logging
package import OrderDomain
import OrderWire
package import PriorityQueue
package import VectorClock

/// By which right a leader calls.
package struct LeaderFence: Sendable, Hashable {
  package var lane: String
  package var epoch: Epoch

  package init(lane: String, epoch: Epoch) {
    self.lane = lane
    self.epoch = epoch
  }
}

/// Who was told that a lane has another leader.
struct RefusedClaimer: Hashable {
  let lane: String
  let executor: Int
  let incarnation: UInt64

  init(_ claim: LeadershipClaim) {
    (lane, executor, incarnation) = (claim.lane, claim.executor, claim.incarnation)
  }
}

// Claims, and the fenced calls of a lane's leader.
extension QueueEngine {
  /// Grants the lane under the next epoch, or names who has it.
  package func claim(_ claim: LeadershipClaim) -> Pending<ClaimResult> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    var claim = claim
    // A holder that claims again keeps the stream that its leadership hangs on; one that is ending is none.
    claim.stream =
      links.values.filter {
        $0.leader.lane == claim.lane && $0.leader.executor == claim.executor
          && $0.leader.epoch == leaders[claim.lane]?.epoch && $0.incarnation == claim.incarnation
          && !$0.isClosed
      }.map(\.id).max()
    let step = machine.claim(claim, now: now)
    let lease = configuration.machine.leadershipLease
    let holder = "executor-\(claim.executor)"
    var fields: Logger.Metadata = [
      "lane": "\(claim.lane)", "executor": "\(claim.executor)", "term": "\(claim.term)",
    ]
    defer { pump() }
    switch step.answer {
    case .granted(let epoch, _, let returned, let buried):
      fields["epoch"] = "\(epoch)"
      fields["returned"] = "\(returned.count)"
      fields["buried"] = "\(buried.count)"
      logger.tell(QueueEvent.laneGranted, metadata: fields)
      let over = links.values.filter { $0.leader.lane == claim.lane }
      let record = leader(of: claim, epoch: epoch)
      return submit(StoreStep(changes: step.changes, at: now.wall)) { _ in
        for link in over { link.end(Fence(yours: link.leader.epoch, current: epoch, holder: record)) }
        return ClaimResult(isGranted: true, epoch: epoch, holder: holder, lease: lease)
      }
    case .resumed(let epoch, _):
      fields["epoch"] = "\(epoch)"
      logger.tell(QueueEvent.laneResumed, metadata: fields)
      return submit(StoreStep(changes: step.changes, at: now.wall)) { _ in
        ClaimResult(isGranted: true, epoch: epoch, holder: holder, lease: lease)
      }
    case .heldBy(let record):
      fields["epoch"] = "\(record.epoch)"
      fields["holder"] = "\(record.executor)"
      if isNews(claim, refusedUnder: record.epoch) {
        logger.tell(QueueEvent.claimRefused, metadata: fields)
      }
      return submit(StoreStep(changes: [], at: now.wall)) { _ in
        ClaimResult(isGranted: false, epoch: record.epoch, holder: record.holder, lease: lease)
      }
    case .tooManyLanes(let limit):
      return .failure(ServiceError(.invalidArgument, "lane: at most \(limit) lanes; use one that exists"))
    }
  }

  /// Whether nobody has been told yet that this claimer was refused under this epoch; claimers ask again and
  /// again.
  private func isNews(_ claim: LeadershipClaim, refusedUnder epoch: Epoch) -> Bool {
    if refusals.count > 4_096 { refusals = [:] }
    return refusals.updateValue(epoch, forKey: RefusedClaimer(claim)) != epoch
  }

  private func leader(of claim: LeadershipClaim, epoch: Epoch) -> LeadershipRecord {
    LeadershipRecord(
      lane: claim.lane, epoch: epoch, executor: claim.executor, incarnation: claim.incarnation,
      term: claim.term)
  }

  /// Keeps the leadership; nothing is written. Throws (in the answer) a `FencedError`.
  package func renew(_ fence: LeaderFence) -> Pending<Duration> {
    do { try admit(writes: false) } catch { return .failure(error) }
    switch machine.renew(token(fence), now: now) {
    case .renewed: return Pending(.success(configuration.machine.leadershipLease))
    case .fenced(let fence): return .failure(FencedError(fence: fence))
    }
  }

  package func resign(_ fence: LeaderFence, reason: String) -> Pending<Void> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let leader = token(fence)
    let step = machine.resign(leader, now: now)
    if case .fenced(let fence) = step.answer { return .failure(FencedError(fence: fence)) }
    logger.tell(
      ElectionEvent.leaderResigned,
      metadata: [
        "lane": "\(leader.lane)", "executor": "\(leader.executor)", "epoch": "\(leader.epoch)",
        "reason": "\(reason)",
      ])
    let over = links.values.filter { $0.leader == leader }
    return submit(StoreStep(changes: step.changes, at: now.wall)) { _ in
      for link in over { link.end(Fence(yours: leader.epoch, current: leader.epoch, holder: nil)) }
    }
  }

  /// Hands out up to `max` orders, most urgent and oldest first.
  package func lease(_ fence: LeaderFence, max: Int, duration: Duration) -> Pending<[Delivery]> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let step = machine.lease(token(fence), max: max, duration: duration, now: now)
    switch step.answer {
    case .fenced(let fence): return .failure(FencedError(fence: fence))
    case .paused: return Pending(.success([]))
    case .leased(let jobs):
      if step.changes.isEmpty { return Pending(.success([])) }
      return submit(StoreStep(changes: step.changes, at: now.wall, wantsBodies: true)) { receipt in
        jobs.compactMap { Delivery($0, receipt) }
      }
    }
  }

  /// Gives a lease more time, counted from now; answers how much.
  package func touch(_ fence: LeaderFence, _ id: OrderID, duration: Duration) -> Pending<Duration> {
    do { try admit(writes: false) } catch { return .failure(error) }
    switch machine.touch(id, token(fence), duration: duration, now: now).answer {
    case .touched: return Pending(.success(duration))
    case .fenced(let fence): return .failure(FencedError(fence: fence))
    case .notLeased(let state): return .failure(Self.notLeased(id, state))
    case .unknown:
      return submit(StoreStep(changes: [], at: now.wall, lookups: [id])) { receipt in
        throw Self.notLeased(id, try receipt.row(id).state)
      }
    }
  }

  /// The order is carried out. Repeating it under the same epoch changes nothing.
  package func ack(_ fence: LeaderFence, _ id: OrderID, clock: VectorClock, note: String) -> Pending<
    SettleResult
  > {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let step = machine.ack(id, token(fence), now: now)
    switch step.answer {
    case .acked:
      let store = StoreStep(
        changes: step.changes, at: now.wall, clocks: [id: clock], note: note.isEmpty ? nil : note)
      return submit(store) { SettleResult(clock: try $0.row(id).clock, state: .done) }
    case .fenced(let fence): return .failure(FencedError(fence: fence))
    case .notLeased(let state): return .failure(Self.notLeased(id, state))
    case .alreadyDone, .unknown:
      return submit(StoreStep(changes: [], at: now.wall, lookups: [id])) { receipt in
        let row = try receipt.row(id)
        guard row.state == .done, row.epoch == fence.epoch else { throw Self.notLeased(id, row.state) }
        return SettleResult(clock: row.clock, state: .done, isDuplicate: true)
      }
    }
  }

  /// How a leader gives an order back.
  package enum Return: Sendable {
    /// Nil: the queue's own backoff.
    case later(Duration?)
    /// Never begun; does not count as an attempt.
    case untouched
    /// Trying again cannot help.
    case never
  }

  package func nack(
    _ fence: LeaderFence, _ id: OrderID, clock: VectorClock, reason: String, how: Return
  ) -> Pending<SettleResult> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let leader = token(fence)
    var verdict: NackAnswer
    var changes: [JobQueue.Change]
    switch how {
    case .never:
      let step = machine.bury(id, leader, reason: reason, now: now)
      changes = step.changes
      verdict =
        switch step.answer {
        case .buried: .buried(attempts: 0)
        case .fenced(let fence): .fenced(fence)
        case .notLeased(let state): .notLeased(state)
        case .unknown: .unknown
        }
    case .later(let delay):
      let step = machine.nack(id, leader, delay: delay, reason: reason, now: now, using: &random)
      (changes, verdict) = (step.changes, step.answer)
    case .untouched:
      let step = machine.nack(
        id, leader, reason: reason, countsAsAttempt: false, now: now, using: &random)
      (changes, verdict) = (step.changes, step.answer)
    }
    switch verdict {
    case .fenced(let fence): return .failure(FencedError(fence: fence))
    case .notLeased(let state): return .failure(Self.notLeased(id, state))
    case .unknown:
      return submit(StoreStep(changes: [], at: now.wall, lookups: [id])) { receipt in
        throw Self.notLeased(id, try receipt.row(id).state)
      }
    case .returned, .buried:
      defer { pump() }
      return submit(StoreStep(changes: changes, at: now.wall, clocks: [id: clock])) { receipt in
        let row = try receipt.row(id)
        return SettleResult(clock: row.clock, state: row.state)
      }
    }
  }

  /// An epoch names its holder; a stale one is refused by its number alone.
  func token(_ fence: LeaderFence) -> LeaderToken {
    LeaderToken(lane: fence.lane, executor: leaders[fence.lane]?.executor ?? 0, epoch: fence.epoch)
  }

  static func notLeased(_ id: OrderID, _ state: JobState) -> ServiceError {
    ServiceError(
      .notLeased, "order \(id) is \(state.rawValue), not leased to you", details: ["state": state.rawValue])
  }
}
