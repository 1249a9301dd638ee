import OrderDomain
import OrderWire
import ServiceLifecycle
import Synchronization

/// Runs checkouts apart from the requests that asked for them: a client that hangs up cuts nothing off, and
/// requests with the same idempotency key wait for the same run. Bounded (`SeatPlan`).
final class CheckoutPool: Service, Sendable {
  typealias Outcome = Result<StoredOrder, any Error>

  typealias Work = @Sendable () async throws -> StoredOrder

  private struct Job: Sendable {
    let order: OrderID
    let work: Work
  }

  private struct Place {
    /// In the seat of a batch, which is given back apart from this.
    let isSeated: Bool
    var waiting: [CheckedContinuation<StoredOrder, any Error>] = []
  }

  private struct State {
    var plan: SeatPlan
    var running: [OrderID: Place] = [:]
    var readers: [SeatPlan.Batch: CheckedContinuation<Void, any Error>] = [:]
    var isStopping = false

    /// Who waits for the seats that these batches have got.
    mutating func granted(_ batches: [SeatPlan.Batch]) -> [CheckedContinuation<Void, any Error>] {
      batches.compactMap { readers.removeValue(forKey: $0) }
    }
  }

  /// Most checkouts at a time.
  let capacity: Int
  /// Seats of all batches.
  let share: Int
  private let jobs: AsyncStream<Job>
  private let submit: AsyncStream<Job>.Continuation
  private let state: Mutex<State>

  init(capacity: Int) {
    self.capacity = capacity
    let plan = SeatPlan(capacity: capacity)
    share = plan.share
    state = Mutex(State(plan: plan))
    (jobs, submit) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(capacity))
  }

  private static let stopping = ServiceError(
    .stopping, "the orchestrator is stopping", retryAfter: .seconds(2))

  func isRunning(_ order: OrderID) -> Bool { state.withLock { $0.running[order] != nil } }

  var count: Int { state.withLock { $0.running.count } }

  func run() async throws {
    await withGracefulShutdownHandler {
      await withDiscardingTaskGroup { group in
        for await job in jobs {
          group.addTask { [self] in
            do {
              finish(job.order, .success(try await job.work()))
            } catch {
              finish(job.order, .failure(error))
            }
          }
        }
      }
    } onGracefulShutdown: { [self] in
      state.withLock { $0.isStopping = true }
      submit.finish()
    }
    // Those that a stop which does not wait has kept from starting.
    let (left, readers) = state.withLock { state in
      state.isStopping = true
      defer { state.readers = [:] }
      return (Array(state.running.keys), state.readers.values)
    }
    submit.finish()
    for order in left { finish(order, .failure(Self.stopping)) }
    for reader in readers { reader.resume(throwing: Self.stopping) }
  }

  // MARK: Orders

  /// Takes a place for `order`, before it is made durable. Follow with `start` or `withdraw`.
  ///
  /// `isSeated`: it has the seat of a batch. Throws `overloaded` when the pool is full, `stopping` when the
  /// daemon is.
  func reserve(_ order: OrderID, isSeated: Bool = false) throws {
    try state.withLock { state in try admit(order, isSeated: isSeated, &state) }
  }

  /// Gives the place of `reserve` back.
  func withdraw(_ order: OrderID) { finish(order, .failure(ServiceError(.cancelled, "not started"))) }

  /// Runs `work` in the place that was reserved for `order`; returns what it returns.
  func start(
    _ order: OrderID, _ work: @escaping Work
  ) async throws -> StoredOrder {
    try await withCheckedThrowingContinuation { continuation in
      let (hasPlace, isTaken) = state.withLock { state in
        guard state.running[order] != nil else { return (false, false) }
        state.running[order]?.waiting.append(continuation)
        if case .enqueued = submit.yield(Job(order: order, work: work)) { return (true, true) }
        return (true, false)
      }
      // The stop began, or was over, after the place was reserved. The order is durable: the next start finds it.
      if !hasPlace { return continuation.resume(throwing: Self.stopping) }
      if !isTaken { finish(order, .failure(Self.stopping)) }
    }
  }

  /// Waits for the run of `order` that is under way, or else runs `work`, which must find out what is left to
  /// do.
  ///
  /// Throws like `reserve`.
  func join(
    _ order: OrderID, isSeated: Bool = false, _ work: @escaping Work
  ) async throws -> StoredOrder {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try state.withLock { state in
          let isRunning = state.running[order] != nil
          if !isRunning { try admit(order, isSeated: isSeated, &state) }
          state.running[order]?.waiting.append(continuation)
          if !isRunning { submit.yield(Job(order: order, work: work)) }
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private func admit(_ order: OrderID, isSeated: Bool, _ state: inout State) throws {
    if state.isStopping { throw Self.stopping }
    guard isSeated || state.plan.admit() else {
      throw ServiceError(
        .overloaded, "\(capacity) orders are being checked; that is the limit", retryAfter: .seconds(1))
    }
    state.running[order] = Place(isSeated: isSeated)
  }

  private func finish(_ order: OrderID, _ outcome: Outcome) {
    typealias Waiting = (
      [CheckedContinuation<StoredOrder, any Error>], [CheckedContinuation<Void, any Error>]
    )
    let (waiting, readers): Waiting = state.withLock { state in
      guard let place = state.running.removeValue(forKey: order) else { return ([], []) }
      return (place.waiting, place.isSeated ? [] : state.granted(state.plan.leave()))
    }
    for continuation in waiting { continuation.resume(with: outcome) }
    for reader in readers { reader.resume() }
  }

  // MARK: Batches

  /// A batch, until it is let go of.
  final class Batch: Sendable {
    fileprivate let number: SeatPlan.Batch
    private let pool: CheckoutPool

    fileprivate init(_ number: SeatPlan.Batch, _ pool: CheckoutPool) {
      self.number = number
      self.pool = pool
    }

    deinit { pool.change { $0.close(number) } }

    /// Waits for a seat. One caller at a time. Throws `stopping`, and `CancellationError` when the task is
    /// cancelled.
    func seat() async throws { try await pool.seat(number) }

    /// Gives a seat back.
    func rise() { pool.change { $0.rise(number) } }
  }

  /// Throws `overloaded` when as many batches are open as there can be seats, `stopping` when the daemon
  /// stops.
  func open() throws -> Batch {
    try state.withLock { state in
      if state.isStopping { throw Self.stopping }
      guard let number = state.plan.open() else {
        throw ServiceError(
          .overloaded, "\(share) batches are being taken in; that is the limit", retryAfter: .seconds(2))
      }
      return Batch(number, self)
    }
  }

  private func seat(_ batch: SeatPlan.Batch) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (granted, refusal): ([CheckedContinuation<Void, any Error>], (any Error)?) = state.withLock {
          state in
          if Task.isCancelled { return ([], CancellationError()) }
          if state.isStopping { return ([], Self.stopping) }
          state.readers[batch] = continuation
          return (state.granted(state.plan.ask(batch)), nil)
        }
        if let refusal { continuation.resume(throwing: refusal) }
        for reader in granted { reader.resume() }
      }
    } onCancel: {
      let reader = state.withLock { state in
        state.plan.withdraw(batch) ? state.readers.removeValue(forKey: batch) : nil
      }
      reader?.resume(throwing: CancellationError())
    }
  }

  private func change(_ change: (inout SeatPlan) -> [SeatPlan.Batch]) {
    let readers = state.withLock { state in state.granted(change(&state.plan)) }
    for reader in readers { reader.resume() }
  }
}
