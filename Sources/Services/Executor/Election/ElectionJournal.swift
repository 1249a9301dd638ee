import BullyElection
import CoreTime
import DaemonKit
import JournalLog
import Logging

/// The election's transitions as lines of the journal.
func journal(_ note: BullyElection.Note, _ logger: Logger, _ clocks: Clocks) {
  switch note {
  case .leading(let term): logger.tell(ElectionEvent.elected, metadata: ["term": "\(term)"])
  case .epochGranted(let epoch): logger.tell(ElectionEvent.leadershipGained, metadata: ["epoch": "\(epoch)"])
  case .claimDenied(let holder):
    logger.tell(
      ElectionEvent.claimDenied, metadata: ["holder": "\(holder.map { "executor-\($0)" } ?? "unknown")"])
  case .following(let leader, let term):
    logger.tell(ElectionEvent.following, metadata: ["leader": "executor-\(leader)", "term": "\(term)"])
  case .stoppedLeading(let reason):
    logger.tell(ElectionEvent.leadershipEnded, metadata: ["reason": "\(reason.text)"])
  case .leaderResigned(let leader, let reason):
    logger.tell(
      ElectionEvent.leaderResigned, metadata: ["leader": "executor-\(leader)", "reason": "\(reason)"])
  case .handoverRequested(let leader):
    logger.tell(ElectionEvent.handoverAsked, metadata: ["leader": "executor-\(leader)"])
  case .handoverOverdue(let leader):
    logger.tell(ElectionEvent.handoverOverdue, metadata: ["leader": "executor-\(leader)"])
  case .draining(let successor):
    logger.tell(ElectionEvent.handoverReceived, metadata: ["successor": "executor-\(successor)"])
  case .eligible: logger.tell(ElectionEvent.eligible)
  case .ineligible(let reason):
    logger.tell(ElectionEvent.ineligible, metadata: ["reason": "\(reason.rawValue)"])
  case .leaderSuspected(let leader):
    logger.tell(ElectionEvent.leaderSuspected, metadata: ["leader": "executor-\(leader)"])
  case .rivalHeard(let rival, let term):
    logger.tell(ElectionEvent.rivalHeard, metadata: ["rival": "executor-\(rival)", "term": "\(term)"])
  case .splitBrain(let story):
    logger.tell(ElectionEvent.splitBrain, metadata: fields(of: story, clocks))
  case .frozen(let time):
    logger.tell(ElectionEvent.frozen, metadata: ["for_ms": "\(time.millisecondsClamped)"])
  case .thawed: logger.tell(ElectionEvent.thawed)
  case .storm(let elections):
    logger.tell(ElectionEvent.storm, metadata: ["elections": "\(elections)"])
  case .pausedFor(let pause): logger.tell(ElectionEvent.paused, metadata: ["late": "\(pause)"])
  case .duplicateID(let incarnation):
    logger.tell(ElectionEvent.duplicateID, metadata: ["incarnation": "\(incarnation)"])
  case .electionStarted(let reason):
    logger.debug("Election started.", metadata: ["reason": "\(reason.rawValue)"])
  case .electionAnswered(let by): logger.debug("Election answered.", metadata: ["by": "executor-\(by)"])
  case .leaderVouched(let leader, let by):
    logger.debug(
      "Others hear the leader.", metadata: ["leader": "executor-\(leader)", "by": "executor-\(by)"])
  case .started: logger.debug("Election started up.")
  case .stopped: logger.debug("Election stopped.")
  }
}

/// As documented in docs/PROTOCOL.md.
func fields(of story: SplitBrainStory, _ clocks: Clocks) -> Logger.Metadata {
  let (now, wall) = (clocks.now(), clocks.wall())
  func text(_ instant: Instant) -> String {
    Timestamp(milliseconds: wall.milliseconds - (now - instant).millisecondsClamped).rfc3339
  }
  var fields: Logger.Metadata = ["overlap_ms": "\(story.overlap.millisecondsClamped)"]
  func add(_ side: SplitBrainStory.Side, as name: String) {
    fields[name] = "executor-\(side.id)"
    fields["\(name)_term"] = "\(side.term)"
    fields["\(name)_from"] = "\(text(side.start))"
    fields["\(name)_to"] = "\(side.end.map { text($0) } ?? "goes on")"
    fields["\(name)_led_ms"] = "\(((side.end ?? now) - side.start).millisecondsClamped)"
    fields["\(name)_epochs"] = side.firstEpoch == 0 ? "none" : "\(side.firstEpoch)-\(side.lastEpoch)"
    fields["\(name)_refused_claims"] = "\(side.refusedClaims)"
    fields["\(name)_refused_actions"] = "\(side.refusedActions)"
  }
  add(story.winner, as: "winner")
  for (index, loser) in story.losers.enumerated() {
    add(loser, as: index == 0 ? "loser" : "loser_\(index + 1)")
  }
  return fields
}

extension BullyElection.StopReason {
  fileprivate var text: String {
    switch self {
    case .yielded(let to): "yielded to executor-\(to)"
    case .handedOver(let to): "handed over to executor-\(to)"
    case .ineligible(let reason): "ineligible: \(reason.rawValue)"
    case .couldNotClaim: "could not claim"
    case .duplicateID: "another process has this id"
    case .epochLost: "epoch lost"
    case .paused: "this process was paused"
    case .stopping: "stopping"
    case .notLeading: "granted too late"
    }
  }
}
