import BullyElection
import JournalLog
import Logging
import Synchronization

/// Says once when the queue's leadership lease is too long for the election. The two are set in different
/// processes: `order-queue.leadership-lease`, and the time that an elected executor waits for its epoch.
final class LeaseCheck: Sendable {
  private let longest: Duration
  private let logger: Logger
  private let isSaid = Mutex(false)

  init(_ election: BullyConfiguration, _ logger: Logger) {
    longest = Self.longest(election)
    self.logger = logger
  }

  /// After this the last claim before giving up comes when the lease of a leader that was lost has ended.
  static func longest(_ election: BullyConfiguration) -> Duration {
    election.claimTimeout - election.claimRetry
  }

  func note(_ lease: Duration) {
    guard lease >= longest,
      isSaid.withLock({ isSaid in
        defer { isSaid = true }
        return !isSaid
      })
    else { return }
    logger.tell(
      ElectionEvent.leaseTooLong,
      metadata: [
        "lease": "\(lease)", "shorter_than": "\(longest)", "setting": "order-queue.leadership-lease",
      ])
  }
}
