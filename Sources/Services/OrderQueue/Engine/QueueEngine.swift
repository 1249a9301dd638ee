import CoreTime
package import DaemonKit
import JournalLog
import Logging
import OrderDomain
import OrderWire
import PriorityQueue
import VectorClock

/// The queue's shell: steps the machine, hands the changes to the store in the same breath, and answers only
/// when they are on disk.
///
/// Nothing is awaited between a step and the handing over of its changes, so the store sees the steps in the
/// machine's order. When a step cannot be made durable, the machine is ahead of the disk: every call is
/// refused until the machine has been read anew (`recover`).
package actor QueueEngine {
  nonisolated let store: any QueueStore
  nonisolated let configuration: OrderQueueConfiguration
  nonisolated let clocks: Clocks
  nonisolated let logger: Logger
  nonisolated let desk = Desk()
  /// Wakes the loop.
  nonisolated let pulse = Wakeup()
  nonisolated let subscriptions = Subscriptions()
  nonisolated let latest = LatestOutcomes()
  nonisolated let heartbeats: Heartbeats

  var machine: JobQueue
  /// Who holds or last held each lane, as the machine knows it.
  var leaders: [String: LeadershipRecord] = [:]
  var links: [UInt64: WorkLink] = [:]
  var nextLink: UInt64 = 1
  var forgotten: ForgottenOrders
  var random = SystemRandomNumberGenerator()
  var cachedStats: (stats: QueueStats, at: Instant)?
  var meters = QueueMeters()
  var measured: Instant?
  var leases = LeaseWatch()
  /// Finished orders that the machine counts and the store has forgotten.
  var pruned = 0
  var retention: RetentionClock
  /// The cursor of the last reader that came too late.
  var lastMissed: UInt64?
  /// How often the machine was read.
  var readings = 0
  /// When the loop looks at the machine next.
  private var armed: Instant = .zero
  /// When the loop is to wake at the latest.
  private(set) var due: Instant = .zero
  /// When the engine last did anything.
  var lastAlive: Instant
  /// Up to when standstills are made up for.
  var madeUp: Instant = .zero
  /// The epoch under which each claimer was last refused.
  var refusals: [RefusedClaimer: Epoch] = [:]
  /// Steps that are handed to the store together, and how many calls of `together` are under way.
  private var gathered: [SubmittedStep] = []
  private var gatherings = 0
  /// Pumping was put off until the steps are gathered.
  private var isPumpDue = false

  /// Reads the store and takes up where it stopped.
  package static func open(
    store: any QueueStore, configuration: OrderQueueConfiguration, context: DaemonContext
  ) async throws -> QueueEngine {
    let loaded = try await store.load()
    let latest = try await store.outcomeRange().latest
    let engine = QueueEngine(
      loaded, latestOutcome: latest, store: store, configuration: configuration, context: context)
    await engine.adopt(loaded)
    return engine
  }

  private init(
    _ loaded: LoadedQueue, latestOutcome: UInt64, store: any QueueStore,
    configuration: OrderQueueConfiguration, context: DaemonContext
  ) {
    self.store = store
    self.configuration = configuration
    clocks = context.clocks
    lastAlive = context.clocks.now()
    logger = context.logger
    heartbeats = context.heartbeats
    let now = Now(wall: context.clocks.wall(), monotonic: context.clocks.now())
    machine = JobQueue(configuration: configuration.machine, now: now)
    retention = RetentionClock(retention: configuration.retention, latest: latestOutcome, now: now)
    forgotten = ForgottenOrders(
      greatest: loaded.greatestFinished, remembered: configuration.machine.recentCapacity)
  }

  nonisolated var now: Now { Now(wall: clocks.wall(), monotonic: clocks.now()) }

  /// Hands the steps of `body` to the store together, and what they make ready to the streams with them: one
  /// transaction for a message of many calls, and for an order that comes in and is leased at once.
  package func together<Value: Sendable>(_ body: @Sendable (isolated QueueEngine) -> Value) -> Value {
    gatherings += 1
    let value = body(self)
    if gatherings == 1, isPumpDue {
      isPumpDue = false
      pumpLinks()
    }
    gatherings -= 1
    if gatherings == 0 { release() }
    return value
  }

  private func release() {
    let steps = gathered
    gathered = []
    if !steps.isEmpty { store.submit(steps) }
    arm()
  }

  /// Leases what is ready to the streams that have credits.
  func pump() {
    if gatherings > 0 {
      isPumpDue = true
    } else {
      together { $0.isPumpDue = true }
    }
  }

  /// Makes a step's changes durable; `answer` turns what the transaction found into the call's answer.
  func submit<Value: Sendable>(
    _ step: StoreStep, answer: @escaping @Sendable (StepReceipt) throws -> Value
  ) -> Pending<Value> {
    let pending = Pending<Value>()
    hand(step) { result in
      switch result {
      case .success(let receipt): pending.resolve(Result { try answer(receipt) })
      case .failure(let error): pending.resolve(.failure(error))
      }
    }
    return pending
  }

  /// As `submit`, for changes that no call waits for. `completion` runs on the writer's thread.
  func hand(
    _ step: StoreStep,
    completion: @escaping @Sendable (Result<StepReceipt, ServiceError>) -> Void = { _ in }
  ) {
    let instant = clocks.now()
    var notable: [(job: JobQueue.Job, cause: ChangeCause)] = []
    for change in step.changes {
      switch change {
      case .leadershipChanged(let record): leaders[record.lane] = record
      case .stateChanged(let job, let from, let cause):
        leases.note(job, from: from, at: step.at, instant)
        if job.state.isFinal { forgotten.finished(job.id) }
        if logger.logLevel <= .debug || !Self.isRoutine(job.state, cause) { notable.append((job, cause)) }
      case .inserted, .gateChanged: break
      }
    }
    desk.begin(at: instant)
    let submitted = SubmittedStep(step: step) {
      [clocks, desk, logger, notable, pulse, subscriptions, latest] result in
      var failure: ServiceError?
      switch result {
      case .success: break
      case .failure(let error as ServiceError):
        failure = error
      case .failure(let error):
        failure = ServiceError(
          .storageUnavailable, "the queue is being read anew from disk: \(error)", retryAfter: .seconds(1))
      }
      // Before the answer: a caller that hears of a failure must find the queue closed.
      let isLast = desk.end(failure, at: clocks.now())
      if let failure {
        completion(.failure(failure))
      } else if case .success(let receipt) = result {
        completion(.success(receipt))
        for (job, cause) in notable { Self.note(job, cause, receipt.jobs[job.id], logger) }
        if !receipt.outcomes.isEmpty {
          latest.append(receipt.outcomes)
          subscriptions.outcomesGrew()
        }
      }
      if failure != nil || isLast { pulse.raise() }
    }
    gathered.append(submitted)
    if gatherings == 0 { release() }
  }

  /// Wakes the loop when something is due before it would look.
  func arm() {
    let now = now
    if let wait = machine.nextDeadline(now: now), now.monotonic + wait < armed { pulse.raise() }
  }

  /// Of what is durable. `stored`: the order as it is on disk since, with who held it last.
  private static func note(
    _ job: JobQueue.Job, _ cause: ChangeCause, _ stored: StoredJob?, _ logger: Logger
  ) {
    var fields: Logger.Metadata = ["order_id": "\(job.id)", "cause": "\(cause.rawValue)"]
    if let stored {
      fields["vector_clock"] = "\(stored.clock)"
      if let executor = stored.executor {
        fields["executor"] = "\(executor)"
        fields["epoch"] = "\(stored.epoch)"
      }
    }
    switch (job.state, cause) {
    case (.buried, _):
      fields["reason"] = "\(job.reason ?? "")"
      logger.tell(QueueEvent.deadLetter, metadata: fields)
    case (_, .leaseExpired), (_, .leaderReplaced), (_, .leaderResigned), (_, .lost):
      logger.tell(QueueEvent.leaseOver, metadata: fields)
    default:
      fields["state"] = "\(job.state.rawValue)"
      logger.debug("The order changed.", metadata: fields)
    }
  }

  /// Only debugging tells of it.
  private static func isRoutine(_ state: JobState, _ cause: ChangeCause) -> Bool {
    switch (state, cause) {
    case (.buried, _), (_, .leaseExpired), (_, .leaderReplaced), (_, .leaderResigned), (_, .lost): false
    default: true
    }
  }

  // MARK: - The loop

  /// Does what time brings, until the task is cancelled or `stop`.
  package func run() async {
    let heartbeat = heartbeats.register("queue-engine", longestSilence: .seconds(8))
    defer { heartbeat.retire() }
    var backoff = Duration.milliseconds(100)
    while !Task.isCancelled, !pulse.isFinished {
      await heartbeat.turn()
      if desk.failure != nil {
        if await recover() {
          backoff = .milliseconds(100)
        } else {
          // Not through `pulse`, which every refused step raises.
          try? await Task.sleep(for: backoff)
          backoff = min(backoff * 2, .seconds(2))
        }
        continue
      }
      tick()
      measure()
      let now = now
      let wait = min(max(machine.nextDeadline(now: now) ?? .seconds(1), .milliseconds(1)), .seconds(1))
      armed = now.monotonic + wait
      due = armed
      await pulse.wait(atMost: wait)
      armed = .zero
    }
  }

  func tick() {
    makeUpForStandstill()
    guard !desk.isCrowded else { return }
    let now = now
    let step = machine.tick(now: now)
    if !step.changes.isEmpty { hand(StoreStep(changes: step.changes, at: now.wall)) }
    for record in step.answer.leadershipExpired {
      logger.tell(
        QueueEvent.laneLapsed,
        metadata: ["lane": "\(record.lane)", "executor": "\(record.executor)", "epoch": "\(record.epoch)"])
      for link in links.values where link.leader.lane == record.lane {
        link.end(Fence(yours: link.leader.epoch, current: record.epoch, holder: nil))
      }
    }
    pump()
  }

  /// Reads the machine anew and opens the store again. False while the disk still refuses.
  private func recover() async -> Bool {
    // Steps that are on their way must be over, or their outcome would be missing from what is read.
    guard desk.isIdle else { return false }
    do {
      try await store.recover()
      let loaded = try await store.load()
      desk.reopen()
      adopt(loaded)
      logger.tell(QueueEvent.recovered)
      return true
    } catch {
      logger.debug("The store does not take changes yet.", metadata: ["reason": "\(error)"])
      return false
    }
  }

  /// Makes what is on disk the machine's state, and takes up the open streams again.
  private func adopt(_ loaded: LoadedQueue) {
    let now = now
    // All deadlines begin anew.
    (lastAlive, madeUp) = (now.monotonic, now.monotonic)
    let restored = JobQueue.restore(loaded.snapshot, configuration: configuration.machine, now: now)
    machine = restored.answer
    leaders = Dictionary(machine.leadership.map { ($0.lane, $0) }, uniquingKeysWith: { $1 })
    forgotten = ForgottenOrders(
      greatest: loaded.greatestFinished, remembered: configuration.machine.recentCapacity)
    cachedStats = nil
    pruned = loaded.pruned
    readings += 1
    meters.machineIsNew()
    leases = LeaseWatch()
    // What failed may be on disk all the same.
    latest.forget()
    subscriptions.outcomesGrew()
    for job in machine.list(.leased, limit: .max) { leases.began(job.id, at: now.monotonic) }
    if !restored.changes.isEmpty { hand(StoreStep(changes: restored.changes, at: now.wall)) }
    for link in links.values.sorted(by: { $0.id < $1.id }) {
      if let fence = bind(link, now: now) {
        link.end(fence)
      } else if link.isClosed {
        release(link)
      }
    }
    links = links.filter { !$0.value.isClosed }
    pump()
  }

  // MARK: - The end

  /// Takes no more calls and ends the streams. Leaderships and leases stay as they are on disk: whoever holds
  /// them takes them up again when the queue is back.
  package nonisolated func beginStop() {
    desk.close()
    subscriptions.closeAll()
  }

  /// Waits for the last step and closes the store.
  package func finishStop() async throws {
    beginStop()
    while !desk.isIdle { await pulse.wait(atMost: .milliseconds(200)) }
    pulse.finish()
    try store.close()
  }
}
