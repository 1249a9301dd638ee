import CoreTime
import DaemonKit
import JournalLog
import Logging
import Metrics
import OrderWire
import PriorityQueue

// What is finished is kept for a while: for its outcome, for repeats, and for people who ask.
extension QueueEngine {
  /// Outcomes that one transaction forgets, so that steps wait for no long one.
  static let pruneBatch = 512

  /// Forgets what is older than the retention, until the task is cancelled.
  package func keepHouse() async {
    while !Task.isCancelled, !pulse.isFinished {
      let isMore = await prune()
      // Both end with the task; there is nothing to tell apart.
      try? await Task.sleep(for: isMore ? .milliseconds(5) : .seconds(1))
    }
  }

  /// Forgets one batch. True when there is more to forget.
  package func prune() async -> Bool {
    guard desk.isOpen, !desk.isCrowded else { return false }
    let reading = readings
    let excess = max(0, finishedKept - configuration.retentionCount)
    do {
      let cut = try await cut()
      if excess == 0 {
        guard let oldest = try await store.oldestOutcome(), cut.isOld(oldest.sequence, stamp: oldest.at)
        else {
          return false
        }
      }
      let receipt = try await store.prune(cut, excess: excess, limit: Self.pruneBatch)
      // Read anew meanwhile: then it is counted already.
      if reading == readings { pruned += receipt.orders }
      meters.pruned(receipt.orders)
      if receipt.outcomes > 0 {
        logger.debug(
          "Finished orders were forgotten.",
          metadata: ["orders": "\(receipt.orders)", "outcomes": "\(receipt.outcomes)"])
      }
      return receipt.outcomes == Self.pruneBatch
    } catch let error as ServiceError {
      // No step was refused yet, so nobody else has heard of it.
      if error.code == .storageUnavailable { desk.fail(error) }
      return false
    } catch {
      logger.warning("Finished orders could not be forgotten.", metadata: ["reason": "\(error)"])
      return false
    }
  }

  private func cut() async throws -> RetentionClock.Cut {
    if retention.isMarkDue(at: clocks.now()) {
      let latest = try await store.outcomeRange().latest
      retention.mark(latest, at: clocks.now())
    }
    let now = now
    if let drift = retention.newSetting(at: now) {
      logger.tell(QueueEvent.clockSet, metadata: ["by_seconds": "\(drift.components.seconds)"])
    }
    return retention.cut(at: now)
  }

  /// Finished orders that are on disk.
  var finishedKept: Int {
    let totals = machine.totals
    return totals.done + totals.cancelled + totals.expired - pruned
  }

  /// A reader of outcomes asked for what is no longer kept. Told once for each of its cursors.
  func missed(_ cursor: UInt64, oldest: UInt64) -> ServiceError {
    if lastMissed != cursor {
      lastMissed = cursor
      logger.tell(
        QueueEvent.readerBehind,
        metadata: ["after": "\(cursor)", "oldest": "\(oldest)"])
    }
    return ServiceError(
      .conflict,
      "after: the outcomes \(cursor + 1) to \(oldest - 1) are no longer kept (order-queue.retention); "
        + "go on with \(oldest - 1) and ask Peek about the orders that miss theirs",
      details: ["oldest": String(oldest)])
  }
}
