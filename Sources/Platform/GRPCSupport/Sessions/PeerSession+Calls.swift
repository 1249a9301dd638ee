import CoreTime
import DaemonKit
package import OrderWire
package import PeerCalls
import Synchronization

// Calls that are awaited, and what a session tells about itself.
extension PeerSession {
  /// Makes one call and waits for its answer. A cancelled task gives it up, and the peer is told.
  ///
  /// Throws `ServiceError`; `cancelled` when the task was.
  package func call(_ call: Call, within time: Duration) async throws -> Answer {
    let pending = Pending<Answer>(count: 1)
    let result = await withTaskCancellationHandler {
      await pending.results { [self] in
        start([call], within: time, pending)
      }
    } onCancel: {
      for id in pending.open where withdraw(id) {
        pending.finish(
          0, .failure(ServiceError(.cancelled, "the call of \(service) was cancelled", service: service)))
      }
    }
    guard let only = result.first else { throw ServiceError(.internal, "a call without an answer") }
    return try only.get()
  }

  /// Makes calls that travel together as far as they can. Returns their answers in their order.
  package func all(_ calls: [Call], within time: Duration) async -> [Result<Answer, ServiceError>] {
    guard !calls.isEmpty else { return [] }
    let pending = Pending<Answer>(count: calls.count)
    return await pending.results { [self] in start(calls, within: time, pending) }
  }

  private func start(_ calls: [Call], within time: Duration, _ pending: Pending<Answer>) {
    let deadline = context.clocks.now() + time
    for (index, call) in calls.enumerated() {
      do throws(ServiceError) {
        pending.opened(try submit(call, deadline: deadline) { pending.finish(index, $0) })
      } catch {
        pending.finish(index, .failure(error))
      }
    }
    // Cancelled before there was anything to withdraw.
    guard Task.isCancelled, calls.count == 1 else { return }
    for id in pending.open where withdraw(id) {
      pending.finish(
        0, .failure(ServiceError(.cancelled, "the call of \(service) was cancelled", service: service)))
    }
  }

  /// What it is like at this moment.
  package var status: SessionStatus {
    state.withLock { state in
      SessionStatus(
        isConnected: state.link == .up, circuit: state.breaker.phase, openings: state.breaker.openings,
        openCalls: state.table.count, retriesLeft: state.budget.available, lateAnswers: state.lateAnswers)
    }
  }
}

/// For `/v1/status` and `/status`.
package struct SessionStatus: Sendable, Hashable {
  package let isConnected: Bool
  package let circuit: CircuitBreaker.Phase
  /// How often the circuit has opened.
  package let openings: UInt64
  /// Calls without an answer yet.
  package let openCalls: Int
  package let retriesLeft: Int
  /// Answers to calls that were over: late, or doubled.
  package let lateAnswers: UInt64
}

/// The answers to some calls that were made together.
private final class Pending<Answer: Sendable>: Sendable {
  typealias Results = [Result<Answer, ServiceError>]

  private struct State {
    var results: [Result<Answer, ServiceError>?]
    var left: Int
    var ids: [UInt64] = []
    var continuation: CheckedContinuation<Results, Never>?
  }

  private let state: Mutex<State>

  init(count: Int) { state = Mutex(State(results: Array(repeating: nil, count: count), left: count)) }

  /// Ids of the calls that went out.
  var open: [UInt64] { state.withLock { $0.ids } }

  func opened(_ id: UInt64) { state.withLock { $0.ids.append(id) } }

  func finish(_ index: Int, _ result: Result<Answer, ServiceError>) {
    let (continuation, results): (CheckedContinuation<Results, Never>?, Results) = state.withLock { state in
      guard state.results[index] == nil else { return (nil, []) }
      state.results[index] = result
      state.left -= 1
      guard state.left == 0 else { return (nil, []) }
      defer { state.continuation = nil }
      return (state.continuation, state.results.compactMap { $0 })
    }
    continuation?.resume(returning: results)
  }

  /// Runs `start`, and waits until all are finished.
  func results(_ start: () -> Void) async -> Results {
    await withCheckedContinuation { continuation in
      state.withLock { $0.continuation = continuation }
      start()
    }
  }
}
