import CoreTime

/// What a higher id does when it finds a lower one leading.
package enum PreemptPolicy: String, Sendable, Hashable, CaseIterable {
  /// Asks for a handover and waits, for a bounded time, until the leader has finished what it holds.
  case whenIdle = "when-idle"
  /// Takes over at once; what the lower one holds returns to the queue through fencing.
  case immediate
  /// Leaves it alone as long as it lives.
  case never
}

/// The settings of one election. All nodes of a cluster should have the same; nothing unsafe follows if they
/// don't.
package struct BullyConfiguration: Sendable, Hashable {
  /// What is led; at most 32 bytes of UTF-8 on the wire.
  package var lane = "main"
  /// Time between two heartbeats of a leader. 5 ms … 1 min.
  package var heartbeat: Duration = .milliseconds(100)
  /// Heartbeats missed before a leader is suspected. 1 … 100.
  package var missedHeartbeats = 3
  /// A follower says that it is there once in so many messages of the leader, each follower at another one:
  /// so a leader knows whom to name its successor. 1 … 1000.
  package var presence = 10
  /// Upper bound of what is added at random to every wait, so that nodes do not act in step. 0 … 1 min.
  package var jitter: Duration = .milliseconds(30)
  /// How long a suspecting node waits for somebody who still hears the leader. Above 0.
  package var precheckTimeout: Duration = .milliseconds(30)
  /// Times in a row that others' word may stand in for the leader's own heartbeat. 0 switches the pre-check
  /// off.
  package var maximumVouches = 10
  /// How long a candidate waits for an answer from above. Above 0; longer than a round trip.
  package var answerTimeout: Duration = .milliseconds(50)
  /// How long an answered candidate waits for the coordinator. Longer than `answerTimeout` + `jitter`.
  package var coordinatorTimeout: Duration = .milliseconds(200)
  /// How long a leader may be without an epoch before it resigns. Must exceed the queue's leadership lease,
  /// or the successor of a hung leader gives up before the queue could let it in.
  package var claimTimeout: Duration = .seconds(5)
  /// Pause between two claims when the queue named another holder that is not heard here.
  package var claimRetry: Duration = .milliseconds(200)
  /// How long a node that could not claim, or heard another with its id, stays out of elections.
  package var claimHoldoff: Duration = .seconds(2)
  package var preempt: PreemptPolicy = .whenIdle
  /// How long a leader may go on finishing what it holds after a handover request.
  package var drainTimeout: Duration = .seconds(5)
  /// How long the asking node waits for that before it takes over regardless. Longer than `drainTimeout`.
  package var handoverTimeout: Duration = .seconds(7)
  /// How late a timer may fire before the process counts as having been paused.
  package var lateTimerTolerance: Duration = .milliseconds(300)
  /// More than n² elections (n nodes) in this time are a storm.
  package var stormWindow: Duration = .seconds(2)
  /// How long to stay quiet in a storm; up to as much again is added at random.
  package var stormBackoff: Duration = .milliseconds(500)
  /// Most peers remembered; the one heard longest ago is forgotten. 1 … 65535.
  package var maximumPeers = 256

  package init() {}

  /// The silence after which a leader is suspected, without jitter.
  package var suspicion: Duration { heartbeat * missedHeartbeats }

  /// Every mistake in the settings, each naming its field and what would be right. Empty when all is well.
  package var problems: [String] {
    var problems: [String] = []
    func check(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
    check((1...32).contains(lane.utf8.count), "lane must be 1 to 32 bytes of UTF-8")
    check(
      heartbeat >= .milliseconds(5) && heartbeat <= .seconds(60), "heartbeat must be between 5 ms and 1 min")
    check((1...100).contains(missedHeartbeats), "missedHeartbeats must be between 1 and 100")
    check(jitter >= .zero && jitter <= .seconds(60), "jitter must be between 0 and 1 min")
    check((1...1000).contains(presence), "presence must be between 1 and 1000")
    check(precheckTimeout > .zero, "precheckTimeout must be above 0")
    check((0...1000).contains(maximumVouches), "maximumVouches must be between 0 and 1000")
    check(answerTimeout > .zero, "answerTimeout must be above 0")
    check(
      coordinatorTimeout > answerTimeout + jitter, "coordinatorTimeout must exceed answerTimeout + jitter")
    check(
      claimTimeout > .zero && claimTimeout <= .seconds(600), "claimTimeout must be above 0, at most 10 min")
    check(claimRetry >= .milliseconds(10), "claimRetry must be at least 10 ms")
    check(
      claimHoldoff > .zero && claimHoldoff <= .seconds(600), "claimHoldoff must be above 0, at most 10 min")
    check(
      drainTimeout > .zero && drainTimeout <= .seconds(3600), "drainTimeout must be above 0, at most 1 h")
    check(
      handoverTimeout > drainTimeout && handoverTimeout <= .seconds(7200),
      "handoverTimeout must exceed drainTimeout and be at most 2 h")
    check(lateTimerTolerance > .zero, "lateTimerTolerance must be above 0")
    check(stormWindow > .zero, "stormWindow must be above 0")
    check(
      stormBackoff > .zero && stormBackoff <= .seconds(60), "stormBackoff must be above 0, at most 1 min")
    check((1...65_535).contains(maximumPeers), "maximumPeers must be between 1 and 65535")
    return problems
  }
}
