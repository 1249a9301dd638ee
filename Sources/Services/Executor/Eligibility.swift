import BullyElection
import CoreTime
import DaemonKit
import Logging
import OrderWire

/// Whether this executor may lead: the queue is reached, the fulfilment target passes its probe, no
/// maintenance.
///
/// While it leads, the work loop judges the queue; otherwise a health check does, about once a second.
actor Eligibility {
  private static let period = Duration.milliseconds(900)
  /// More than a probe of the queue takes that nobody answers.
  private static let longestSilence = Duration.seconds(8)
  /// Consecutive failed probes that make ineligible: one may be bad luck.
  private static let tolerated = 2
  /// Pause after the work loop gave up on a queue whose health may look fine from here.
  private static let rest = Duration.seconds(1)

  private let election: ElectionShell
  private let queue: QueueClient
  private let fulfilment: any Fulfilment
  private let ledger: ExecutorLedger
  private let clocks: Clocks
  private let heartbeats: Heartbeats
  private var isQueueReached = false
  private var failures = 0
  private var distrustedUntil: Instant?
  private var fulfilmentProblem: String?
  private var fulfilmentFailures = 0
  private var hasWorked = false
  private var maintenanceUntil: Instant?
  private var isEligible = false

  init(
    election: ElectionShell, queue: QueueClient, fulfilment: any Fulfilment, ledger: ExecutorLedger,
    clocks: Clocks, heartbeats: Heartbeats
  ) {
    self.election = election
    self.queue = queue
    self.fulfilment = fulfilment
    self.ledger = ledger
    self.clocks = clocks
    self.heartbeats = heartbeats
  }

  func run() async {
    let heartbeat = heartbeats.register("eligibility", longestSilence: Self.longestSilence)
    defer { heartbeat.retire() }
    while !Task.isCancelled {
      await heartbeat.turn()
      probeFulfilment()
      if ledger.figures.epoch == 0 { await probeQueue() }
      await tell()
      let jitter = Duration.milliseconds(Int64.random(in: 0...200))
      // Ends early only by cancellation, which the loop's condition sees.
      try? await Task.sleep(for: isQueueReached ? Self.period + jitter : Self.period / 3 + jitter)
    }
  }

  private func probeFulfilment() {
    let problem = fulfilment.problem()
    fulfilmentFailures = problem == nil ? 0 : fulfilmentFailures + 1
    if problem == nil { hasWorked = true }
    // A command that is being replaced is away for a moment; that must not end a leadership.
    let isCertain = !hasWorked || fulfilmentFailures >= Self.tolerated
    fulfilmentProblem = isCertain ? problem : fulfilmentProblem
    if problem == nil { fulfilmentProblem = nil }
  }

  private func probeQueue() async {
    if let until = distrustedUntil, clocks.now() < until { return }
    let isServing = await queue.isServing()
    // The claim may have been granted while the probe was on its way; then the work loop knows better.
    guard ledger.figures.epoch == 0 else { return }
    failures = isServing ? 0 : failures + 1
    if isServing { isQueueReached = true } else if failures >= Self.tolerated { isQueueReached = false }
  }

  /// The work loop gave up on the queue.
  func queueLost() async {
    isQueueReached = false
    distrustedUntil = clocks.now() + Self.rest
    await tell()
  }

  /// Stay out of elections until `deadline`.
  func rest(until deadline: Instant) async {
    maintenanceUntil = deadline
    await tell()
  }

  /// Why not, for people; `nil` when eligible.
  func problem() -> String? {
    switch reason() {
    case nil: nil
    case .maintenance: IneligibleReason.steppedDown
    case .fulfilmentFailing: "fulfilment: \(fulfilmentProblem ?? "failing")"
    case .queueUnreachable: "cannot reach order-queue"
    }
  }

  private func reason() -> BullyElection.IneligibleReason? {
    if let until = maintenanceUntil, clocks.now() < until { return .maintenance }
    if fulfilmentProblem != nil { return .fulfilmentFailing }
    return isQueueReached ? nil : .queueUnreachable
  }

  private func tell() async {
    if let reason = reason() {
      guard isEligible else { return }
      isEligible = false
      await election.take(.becameIneligible(reason))
    } else if !isEligible {
      isEligible = true
      await election.take(.becameEligible)
    }
  }
}
