package import CoreTime
package import OrderDomain
package import OrderStore
package import PriorityQueue
package import VectorClock

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

package typealias JobQueue = PriorityQueue<OrderID>

/// The seam behind which the queue's durable state lives (DESIGN §5). Callers can't tell the engines apart.
package protocol QueueStore: Sendable {
  /// Everything that the machine needs to go on.
  func load() async throws -> LoadedQueue
  /// Makes steps durable, each in one transaction and in the order of the calls; those of one call together
  /// where that is possible. After a failure every further step fails until `recover`.
  func submit(_ steps: [SubmittedStep])
  /// One order as it is on disk, with its body while it is not finished.
  func job(_ id: OrderID) async throws -> StoredJob?
  /// Those of `ids` that are on disk.
  func jobs(_ ids: [OrderID]) async throws -> [StoredJob]
  /// By order id, after `after`.
  func list(state: JobState?, after: OrderID?, limit: Int) async throws -> [StoredJob]
  /// By sequence, after `after`.
  func outcomes(after: UInt64, limit: Int) async throws -> [StoredOutcome]
  /// Which outcomes are kept.
  func outcomeRange() async throws -> OutcomeRange
  /// Nil when none is kept.
  func oldestOutcome() async throws -> OldestOutcome?
  /// Forgets, oldest first, at most `limit` outcomes that are old by `cut`, or as many as it takes to forget
  /// `excess` finished orders; with the outcome that finished it an order is forgotten. Orders that are not
  /// finished stay, and stand in nobody's way.
  func prune(_ cut: RetentionClock.Cut, excess: Int, limit: Int) async throws -> Pruned
  /// Takes steps again after a failure, and proves it by writing. Throws while the disk still refuses.
  func recover() async throws
  /// How large the transactions were and how long they took.
  var commits: CommitFigures { get }
  func close() throws
}

package struct LoadedQueue: Sendable {
  package var snapshot: JobQueue.Snapshot
  /// The greatest id of a finished order; greater ones are known to the machine or new.
  package var greatestFinished: OrderID?
  /// How many finished orders are counted in the snapshot but were pruned.
  package var pruned = 0
}

package struct OutcomeRange: Sendable, Hashable {
  /// The sequence of the oldest that is kept; the one after `latest` when none is.
  package var oldest: UInt64
  /// The highest sequence ever given; 0 when none was.
  package var latest: UInt64
}

package struct OldestOutcome: Sendable, Hashable {
  package var sequence: UInt64
  package var at: Timestamp
}

package struct Pruned: Sendable, Hashable {
  package var outcomes = 0
  /// Finished orders.
  package var orders = 0
}

/// What one step of the machine makes durable, and what its answer needs from the disk.
package struct StoreStep: Sendable {
  package var changes: [JobQueue.Change]
  package var at: Timestamp
  /// Clocks that came with the call; the first change of that order receives it.
  package var clocks: [OrderID: VectorClock] = [:]
  /// Of inserted orders.
  package var bodies: [OrderID: Data] = [:]
  /// Of inserted orders; kept with the outcome that executes them.
  package var baskets: [OrderID: [OrderItem]] = [:]
  /// What fulfilment said, kept with the outcome of an ack.
  package var note: String?
  /// Orders whose rows the answer needs although the step does not change them.
  package var lookups: [OrderID] = []
  /// The bodies of the orders that are leased by this step are wanted.
  package var wantsBodies = false
}

/// A step on its way to the disk. `completion` is called once, on any thread.
package struct SubmittedStep: Sendable {
  package var step: StoreStep
  package var completion: @Sendable (Result<StepReceipt, any Error>) -> Void
}

/// What the transaction of a step found and left behind.
package struct StepReceipt: Sendable {
  /// The orders that were changed or looked up; none for one that is not on disk.
  package var jobs: [OrderID: StoredJob] = [:]
  /// Of this step, in their order.
  package var outcomes: [StoredOutcome] = []
}

/// An order as it is on disk.
package struct StoredJob: Sendable {
  package var id: OrderID
  package var lane: String
  package var priority: Int
  package var state: JobState
  package var attempts: Int
  package var enqueuedAt: Timestamp
  package var readyAt: Timestamp
  /// Who holds it, or held it last.
  package var executor: Int?
  package var epoch: Epoch
  package var reason: String?
  package var clock: VectorClock
  package var body: Data?
}

/// One durable entry of what became of an order.
package struct StoredOutcome: Sendable {
  package enum Kind: String, Sendable {
    case executing, returned, executed, failed, cancelled, expired, kicked
  }

  package var sequence: UInt64
  package var id: OrderID
  package var kind: Kind
  package var clock: VectorClock
  package var at: Timestamp
  package var executor: Int?
  package var epoch: Epoch
  package var attempt: Int
  package var reason: String?
  /// Of an executed order, as it was enqueued with it.
  package var basket: [OrderItem] = []
}

extension StoredOutcome.Kind {
  /// Nil for changes that nobody needs to hear of.
  package init?(_ state: JobState, cause: ChangeCause) {
    switch (state, cause) {
    case (_, .due): return nil
    case (.leased, _): self = .executing
    case (.done, _): self = .executed
    case (.buried, _): self = .failed
    case (.cancelled, _): self = .cancelled
    case (.expired, _): self = .expired
    case (.ready, .kicked), (.delayed, .kicked): self = .kicked
    case (.ready, _), (.delayed, _): self = .returned
    }
  }
}
