import CoreTime

extension PriorityQueue {
  /// Grants the lane, or names who has it. A new epoch takes back everything that the old one had leased.
  package mutating func claim(_ claim: LeadershipClaim, now: Now) -> Step<ClaimAnswer> {
    guard admits(lane: claim.lane) else {
      return Step(answer: .tooManyLanes(limit: configuration.maxLanes), changes: [])
    }
    let before = ledger.record(lane: claim.lane)
    switch ledger.claim(claim, now: now.monotonic) {
    case .tooManyLanes(let limit): return Step(answer: .tooManyLanes(limit: limit), changes: [])
    case .heldBy(let record): return Step(answer: .heldBy(record), changes: [])
    case .resumed(let record, let deadline):
      let changes: [Change] = record == before ? [] : [.leadershipChanged(record)]
      return Step(answer: .resumed(record.epoch, deadline: deadline), changes: changes)
    case .granted(let record, let deadline):
      var changes: [Change] = [.leadershipChanged(record)]
      counters.epochs += 1
      open(lane: record.lane)
      let (returned, buried) = vacateLeases(lane: record.lane, cause: .leaderReplaced, now: now, &changes)
      return Step(
        answer: .granted(record.epoch, deadline: deadline, returned: returned, buried: buried),
        changes: changes)
    }
  }

  /// Extends the leadership from now; nothing is to be written.
  package mutating func renew(_ leader: LeaderToken, now: Now) -> RenewAnswer {
    let answer = ledger.renew(leader, now: now.monotonic)
    if case .fenced = answer { counters.fenced += 1 }
    return answer
  }

  /// Ends the leadership. What it still had leased is ready at once, and the attempt is not counted.
  package mutating func resign(_ leader: LeaderToken, now: Now) -> Step<ResignAnswer> {
    let before = ledger.record(lane: leader.lane)
    let answer = ledger.resign(leader, now: now.monotonic)
    switch answer {
    case .fenced:
      counters.fenced += 1
      return Step(answer: answer, changes: [])
    case .resigned:
      guard let record = ledger.record(lane: leader.lane), record != before else {
        return Step(answer: answer, changes: [])
      }
      var changes: [Change] = [.leadershipChanged(record)]
      _ = vacateLeases(lane: leader.lane, cause: .leaderResigned, now: now, &changes)
      return Step(answer: answer, changes: changes)
    }
  }

  /// The stream on which a leader claimed has ended. Its leases run on until they end or another epoch
  /// begins.
  package mutating func holderStreamClosed(
    lane: String, epoch: Epoch, stream: UInt64
  ) -> Step<StreamClosedAnswer> {
    let answer = ledger.streamClosed(lane: lane, epoch: epoch, stream: stream)
    guard answer == .vacated, let record = ledger.record(lane: lane) else {
      return Step(answer: answer, changes: [])
    }
    return Step(answer: answer, changes: [.leadershipChanged(record)])
  }

  /// Takes back what is leased to `leader` and is not among `held`, which is all that the leader has: the rest was
  /// lost on its way. It is ready at once, and the attempt is not counted. Answers the ids.
  package mutating func takeBackLost(_ leader: LeaderToken, held: Set<ID>, now: Now) -> Step<[ID]> {
    guard ledger.fence(leader, mustBeLive: false, now: now.monotonic) == nil else {
      return Step(answer: [], changes: [])
    }
    var changes: [Change] = []
    let lost = leased.slots.map { jobs[$0] }
      .filter { $0.lease?.leader == leader && !held.contains($0.id) }
      .sorted { $0.sequence < $1.sequence }
    for var job in lost {
      counters.lost += 1
      job.attempts = max(0, job.attempts - 1)
      job.ackEpoch = 0
      job.reason = ChangeCause.lost.rawValue
      comeBack(job, at: now.wall, cause: .lost, now: now, &changes)
    }
    return Step(answer: lost.map(\.id), changes: changes)
  }

  /// Who holds or last held each lane, by name of lane.
  package var leadership: [LeadershipRecord] { ledger.records }

  private mutating func vacateLeases(
    lane: String, cause: ChangeCause, now: Now, _ changes: inout [Change]
  ) -> (returned: [ID], buried: [ID]) {
    var returned: [ID] = []
    var entombed: [ID] = []
    let held = leased.slots.map { jobs[$0] }.filter { $0.lane == lane }
    for var job in held.sorted(by: { $0.sequence < $1.sequence }) {
      counters.takenBack += 1
      let refund = cause == .leaderResigned
      if refund { job.attempts = max(0, job.attempts - 1) }
      switch takeBack(job, cause: cause, now: now, &changes) {
      case .buried: entombed.append(job.id)
      case .ready: returned.append(job.id)
      case .delayed, .leased, .done, .cancelled, .expired: break
      }
    }
    return (returned, entombed)
  }
}
