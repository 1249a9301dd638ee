import OrderDomain
import OrderWire
import ServiceLifecycle
import Synchronization

/// Runs checkouts apart from the requests that asked for them: a client that hangs up cuts nothing off, and requests
/// with the same idempotency key wait for the same run. Bounded.
final class CheckoutPool: Service, Sendable {
  typealias Outcome = Result<StoredOrder, any Error>

  typealias Work = @Sendable () async throws -> StoredOrder

  private struct Job: Sendable {
    let order: OrderID
    let work: Work
  }

  private struct State {
    var running: [OrderID: [CheckedContinuation<StoredOrder, any Error>]] = [:]
    var isStopping = false
  }

  /// Most checkouts at a time.
  let capacity: Int
  private let jobs: AsyncStream<Job>
  private let submit: AsyncStream<Job>.Continuation
  private let state = Mutex(State())

  init(capacity: Int) {
    self.capacity = capacity
    (jobs, submit) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(capacity))
  }

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
    let left = state.withLock { state in
      state.isStopping = true
      return Array(state.running.keys)
    }
    submit.finish()
    for order in left {
      finish(
        order, .failure(ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2))))
    }
  }

  /// Takes a place for `order`, before it is made durable. Follow with `start` or `withdraw`.
  ///
  /// Throws `overloaded` when the pool is full, `stopping` when the daemon is.
  func reserve(_ order: OrderID) throws {
    try state.withLock { state in try admit(order, &state) }
  }

  /// Gives the place of `reserve` back.
  func withdraw(_ order: OrderID) { finish(order, .failure(ServiceError(.cancelled, "not started"))) }

  /// Runs `work` in the place that was reserved for `order`; returns what it returns.
  func start(
    _ order: OrderID, _ work: @escaping Work
  ) async throws -> StoredOrder {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken = state.withLock { state in
        state.running[order, default: []].append(continuation)
        if case .enqueued = submit.yield(Job(order: order, work: work)) { return true }
        return false
      }
      // The stop began after the place was reserved. The order is durable: the next start finds it.
      if !isTaken {
        finish(
          order, .failure(ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2))))
      }
    }
  }

  /// Waits for the run of `order` that is under way, or else runs `work`, which must find out what is left to do.
  ///
  /// Throws like `reserve`.
  func join(
    _ order: OrderID, _ work: @escaping Work
  ) async throws -> StoredOrder {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try state.withLock { state in
          let isRunning = state.running[order] != nil
          if !isRunning { try admit(order, &state) }
          state.running[order]?.append(continuation)
          if !isRunning { submit.yield(Job(order: order, work: work)) }
        }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  private func admit(_ order: OrderID, _ state: inout State) throws {
    if state.isStopping {
      throw ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2))
    }
    guard state.running.count < capacity else {
      throw ServiceError(
        .overloaded, "\(capacity) orders are being checked; that is the limit", retryAfter: .seconds(1))
    }
    state.running[order] = []
  }

  private func finish(_ order: OrderID, _ outcome: Outcome) {
    let waiting = state.withLock { $0.running.removeValue(forKey: order) ?? [] }
    for continuation in waiting { continuation.resume(with: outcome) }
  }
}
