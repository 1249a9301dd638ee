import CheckoutFlow
import CoreTime
import DaemonKit
import GRPCSupport
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import VectorClock

/// One checkout under way: the shell around one `CheckoutFlow`. Whatever comes (an answer, a timer) steps the machine
/// under the lock; the effects are performed outside of it, by whoever brought the input. No task of its own.
final class CheckoutRun: Sendable {
  private struct State {
    var flow: CheckoutFlow
    /// Calls that are out: session and id.
    var open: [OpenCall] = []
    /// When the alarm that is set rings.
    var alarm: Instant?
    var isDecided = false
    var finish: CheckedContinuation<CheckoutRunner.Result, Never>?
  }

  private struct OpenCall {
    let session: CheckSession
    let id: UInt64
  }

  /// One call of a service, through all its tries.
  private struct Attempt {
    let service: String
    let events: [String]
    let message: Ordersd_V1_CheckRequest
    let deadline: Instant
    /// Tries that came to nothing so far.
    var tries = 0
  }

  private let runner: CheckoutRunner
  private let order: OrderID
  /// Made once for all calls.
  private let message: Ordersd_V1_Order
  private let amount: Money?
  private let client: String?
  private let state: Mutex<State>

  init(
    _ runner: CheckoutRunner, _ order: OrderID, _ request: Intake.Submission, amount: Money?,
    clock: VectorClock
  ) {
    self.runner = runner
    self.order = order
    message = request.order.message
    client = request.client
    self.amount = amount
    state = Mutex(
      State(
        flow: CheckoutFlow(
          table: .checkout, process: runner.context.process, clock: clock, deadlines: runner.deadlines)))
  }

  /// Runs it to its decision, which takes no longer than the order's deadline.
  func result() async -> CheckoutRunner.Result {
    await withCheckedContinuation { continuation in
      state.withLock { $0.finish = continuation }
      feed(.started)
    }
  }

  private func feed(_ input: CheckoutInput) {
    let clocks = runner.context.clocks
    perform(state.withLock { $0.flow.step(input, now: clocks.now(), wall: clocks.wall()) })
  }

  private func perform(_ effects: [CheckoutEffect]) {
    for effect in effects {
      switch effect {
      case .call(let service, let events, let clock, let budget): call(service, events, clock, budget)
      case .setTimer(let instant): setAlarm(at: instant)
      case .decided(let decision): return finish(decision, effects)
      case .settle: preconditionFailure("a settle before the decision")
      }
    }
  }

  // MARK: Time

  private func setAlarm(at instant: Instant) {
    let isEarlier = state.withLock { state in
      guard !state.isDecided, state.alarm.map({ instant < $0 }) ?? true else { return false }
      state.alarm = instant
      return true
    }
    guard isEarlier else { return }
    // Weak: what is decided is let go of, and its card with it.
    runner.alarms.ring(at: instant) { [weak self] in self?.ring(instant) }
  }

  private func ring(_ instant: Instant) {
    let isDecided = state.withLock { state in
      if state.alarm == instant { state.alarm = nil }
      return state.isDecided
    }
    // The machine says when to ring next, also after an alarm that came too early for it.
    if !isDecided { feed(.timerFired) }
  }

  // MARK: Calls

  private func call(_ service: String, _ events: [String], _ clock: VectorClock, _ budget: Duration) {
    let message = Ordersd_V1_CheckRequest.with {
      $0.orderID = order.description
      $0.clock = clock.message
      $0.events = events
      $0.order = self.message
      if let amount { $0.amount = amount.message }
      if let client { $0.clientAddress = client }
    }
    make(
      Attempt(
        service: service, events: events, message: message, deadline: runner.context.clocks.now() + budget))
  }

  private func make(_ attempt: Attempt) {
    do throws(ServiceError) {
      let session = try runner.sessions.session(attempt.service)
      let id = try session.submit(
        .check(attempt.message), deadline: attempt.deadline, isRetry: attempt.tries > 0
      ) { [self] in answered(attempt, $0) }
      let isDecided = state.withLock { state in
        if !state.isDecided { state.open.append(OpenCall(session: session, id: id)) }
        return state.isDecided
      }
      if isDecided { session.withdraw(id) }
    } catch {
      failed(attempt, error)
    }
  }

  private func answered(
    _ attempt: Attempt, _ result: Result<Ordersd_V1_CheckAnswer.OneOf_Answer, ServiceError>
  ) {
    do {
      switch try result.get() {
      case .check(let reply):
        let results = try reply.results.map(EventResult.init)
        feed(.replied(service: attempt.service, results: results, clock: try VectorClock(reply.clock)))
      case .settle, .error:
        throw ServiceError.mismatch(attempt.service)
      }
    } catch {
      failed(
        attempt, (error as? ServiceError) ?? ServiceError(.internal, "\(error)", service: attempt.service))
    }
  }

  /// Tries again while that makes sense, there is time, and the budget allows it.
  private func failed(_ attempt: Attempt, _ error: ServiceError) {
    var next = attempt
    next.tries += 1
    let now = runner.context.clocks.now()
    let pause = Duration.milliseconds(Int64.random(in: 20...60) << min(attempt.tries, 4))
    guard !state.withLock({ $0.isDecided }) else { return }
    if error.isRetryable, error.code != .deadlineExceeded, !error.isOwnStop, next.tries <= runner.retries,
      now + pause < attempt.deadline, let session = try? runner.sessions.session(attempt.service),
      session.takeRetry()
    {
      let again = next
      let isSet = runner.alarms.ring(at: now + pause) { [weak self] in
        guard let self, !state.withLock({ $0.isDecided }) else { return }
        make(again)
      }
      if isSet { return }
    }
    runner.tell(order, attempt.service, attempt.events, error, tries: next.tries)
    feed(
      .callFailed(
        service: attempt.service, events: attempt.events, code: ErrorCode.serviceUnavailable.rawValue,
        message: "\(attempt.service) could not be reached in time (\(error.code.rawValue)); try again"))
  }

  // MARK: The decision

  private func finish(_ decision: CheckoutDecision, _ effects: [CheckoutEffect]) {
    let settles = effects.compactMap { if case .settle(let service, _) = $0 { service } else { nil } }
    let (open, timeline, continuation) = state.withLock { state in
      state.isDecided = true
      defer { (state.open, state.finish) = ([], nil) }
      return (state.open, state.flow.takeTimeline(), state.finish)
    }
    for call in open { call.session.withdraw(call.id) }
    continuation?.resume(
      returning: CheckoutRunner.Result(decision: decision, timeline: timeline, settles: settles))
  }
}

extension ServiceError {
  /// This process stops, not its peer.
  fileprivate var isOwnStop: Bool { code == .stopping && service == nil }
}
