import BullyElection
import CoreTime
import LeaderWork

// How events read in a trace.

func describe(_ message: ElectionMessage) -> String {
  var text = message.kind.name
  switch message.kind {
  case .resign(let reason, let successor):
    text += " (\(describe(reason)))"
    if let successor { text += " in favour of \(successor)" }
  case .leaderQuery(let leader): text += ": who hears \(leader)?"
  case .leaderHeard(let leader): text += ": I hear \(leader)"
  case .coordinator:
    text += ", term \(message.term), " + (message.epoch == 0 ? "no epoch yet" : "epoch \(message.epoch)")
  case .election, .answer, .handoverRequest, .handoverAccepted: break
  }
  if let to = message.to { text += " to \(to)" }
  return text
}

private func describe(_ reason: ResignReason) -> String {
  switch reason {
  case .stopping: "stopping"
  case .ineligible: "ineligible"
  case .handover: "handover"
  case .paused: "was paused"
  case .yielded: "yields"
  }
}

func describe(_ note: BullyElection.Note) -> String {
  switch note {
  case .started: "listens for a leader"
  case .eligible: "is eligible"
  case .ineligible(let reason): "is not eligible: \(reason.rawValue)"
  case .leaderSuspected(let leader): "misses the heartbeat of \(leader)"
  case .leaderVouched(let leader, let by): "is told by \(by) that \(leader) is heard"
  case .electionStarted(let reason): "starts an election: \(reason.rawValue)"
  case .electionAnswered(let by): "is answered by \(by) and waits for a coordinator"
  case .leading(let term): "leads in term \(term)"
  case .epochGranted(let epoch): "may act: epoch \(epoch)"
  case .claimDenied(let holder): "may not act: " + (holder.map { "held by \($0)" } ?? "no answer")
  case .following(let leader, let term): "follows \(leader), term \(term)"
  case .leaderResigned(let leader, let reason): "hears \(leader) resign: \(describe(reason))"
  case .handoverRequested(let leader): "asks \(leader) to hand over"
  case .handoverOverdue(let leader): "waits no longer for \(leader)"
  case .draining(let successor): "finishes its work for \(successor)"
  case .rivalHeard(let rival, let term): "hears a rival: \(rival), term \(term)"
  case .stoppedLeading(let reason): "stops leading: \(describe(reason))"
  case .storm(let elections): "stays quiet: \(elections) elections at a time"
  case .pausedFor(let time): "was stopped for \(time.millisecondsClamped) ms"
  case .duplicateID: "hears somebody else with its id"
  case .stopped: "has stopped"
  case .splitBrain: "tells of a split brain that is over"
  case .frozen(let time): "starts nothing for \(time.millisecondsClamped) ms"
  case .thawed: "takes part again"
  }
}

private func describe(_ reason: BullyElection.StopReason) -> String {
  switch reason {
  case .yielded(let to): "yields to \(to)"
  case .handedOver(let to): "handed over to \(to)"
  case .ineligible(let reason): reason.rawValue
  case .couldNotClaim: "could not claim the epoch"
  case .duplicateID: "somebody else has its id"
  case .epochLost: "the epoch is lost"
  case .paused: "was paused"
  case .stopping: "stopping"
  case .notLeading: "does not lead"
  }
}

func describe(_ note: Work.Note) -> String {
  switch note {
  case .granted(let epoch, let term): "takes office: epoch \(epoch), term \(term)"
  case .confirmed(let epoch): "is confirmed after a break: epoch \(epoch)"
  case .streamBroke(let epoch): "lost its stream to the queue, epoch \(epoch)"
  case .began(let order, let epoch, let attempt): "begins order \(order), epoch \(epoch), attempt \(attempt)"
  case .settled(let order, let epoch, _, let outcome): "order \(order) \(outcome.rawValue), epoch \(epoch)"
  case .refused(let order, let epoch, _, let outcome, let code):
    "order \(order): \(outcome.rawValue) under epoch \(epoch) refused (\(code))"
  case .leftToNext(let order, let epoch): "leaves order \(order) of epoch \(epoch) to the next leader"
  case .fenced(let epoch, let current, let holder):
    "is fenced: epoch \(epoch) is over, \(current) is current" + (holder.map { " (\($0))" } ?? "")
  case .lapsed(let epoch): "does not trust epoch \(epoch) any more: no renewal in time"
  case .handingOver(let epoch): "takes no more orders under epoch \(epoch)"
  }
}

func describe(_ fault: Fault) -> String {
  func name(_ target: Target) -> String {
    switch target {
    case .node(let id): "\(id)"
    case .holder: "the holder"
    }
  }
  func time(_ duration: Duration) -> String { "\(duration.millisecondsClamped) ms" }
  switch fault {
  case .crash(let target, let isPowerLoss, let restart):
    return "\(name(target)) " + (isPowerLoss ? "loses power" : "is killed")
      + (restart.map { ", starts again in \(time($0))" } ?? "")
  case .stop(let target, let restart):
    return "\(name(target)) is asked to end" + (restart.map { ", starts again \(time($0)) later" } ?? "")
  case .pause(let target, let length): return "\(name(target)) is stopped for \(time(length))"
  case .partition(let groups, let length):
    let sides = groups.map { $0.map { "\($0)" }.joined(separator: " ") }.joined(separator: " | ")
    return "partition \(sides) for \(time(length))"
  case .cut(let from, let to, let length):
    return "\(name(from)) is not heard by \(name(to)) for \(time(length))"
  case .clog(let from, let to, let length):
    return "\(name(from)) is heard late by \(name(to)) for \(time(length))"
  case .cutFromQueue(let target, let up, let down, let length):
    let way = up && down ? "" : up ? " (to it)" : " (from it)"
    return "\(name(target)) is cut off from the queue\(way) for \(time(length))"
  case .breakStream(let target): return "the stream of \(name(target)) is reset"
  case .queueCrash(let isPowerLoss, let restart):
    return "the queue " + (isPowerLoss ? "loses power" : "is killed") + ", starts again in \(time(restart))"
  case .queuePause(let length): return "the queue is stopped for \(time(length))"
  case .slowDisk(let length): return "the queue's disk is slow for \(time(length))"
  case .setWall(let target, let by): return "the wall clock of \(name(target)) jumps by \(time(by))"
  case .setQueueWall(let by): return "the queue's wall clock jumps by \(time(by))"
  case .fulfilmentFails(let target, let length):
    return "the fulfilment target of \(name(target)) fails its probe for \(time(length))"
  case .lose(let kind, let from, let to, let count):
    return "\(count) \(kind) of \(from)\(to.map { " to \($0)" } ?? "") will be lost"
  }
}
