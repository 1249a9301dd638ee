package import CoreTime
package import DaemonKit
import GRPCCore
import JournalLog
import Logging
import Metrics
package import OrderWire
package import PeerCalls
import ServiceLifecycle
import Synchronization

/// One long-lived `Session` stream to a peer, as a service of a daemon: calls are multiplexed by
/// correlation id, and whatever waits is sent as one message. It reconnects by itself; a call whose stream
/// is lost fails, and its caller decides about trying again. Nothing is awaited under its lock, and every
/// callback is made outside of it.
package final class PeerSession<Call: Sendable, Answer: Sendable>: Service {
  package typealias Completion = @Sendable (Result<Answer, ServiceError>) -> Void

  typealias Wake = AsyncStream<Void>.Continuation

  struct Waiter: Sendable {
    let completion: Completion
    let permit: CircuitBreaker.Permit
    /// What tells the peer that the answer is not wanted any more.
    let cancelling: Call?
    /// It had so little time that a silent peer is not to blame.
    let wasHurried: Bool
  }

  enum Link: String {
    /// Not known to be down: calls wait. Can turn into up, down, over.
    case connecting
    /// Can turn into connecting, over.
    case up
    /// The last attempt failed: calls are refused at once. Can turn into up, over.
    case down
    /// The daemon stops. Final.
    case over
  }

  struct State {
    var table: CallTable<Call, Waiter>
    var breaker: CircuitBreaker
    var budget = RetryBudget()
    var link = Link.connecting
    /// Wakes the writer of the stream that is open or being opened.
    var wake: Wake?
    /// When sweeps for calls out of time ring, the next one last. Each looks after all calls.
    var sweeps: [Instant] = []
    var lateAnswers: UInt64 = 0
    /// The alarm that sends what need not go at once is set.
    var isNudgeSet = false

    /// `time`, when no sweep rings before it: then one must be set.
    mutating func mustSweep(at time: Instant) -> Instant? {
      if let next = sweeps.last, next <= time { return nil }
      sweeps.append(time)
      return time
    }
  }

  /// A call with less time than this says nothing about its peer when it runs out.
  private static var hurried: Duration { .milliseconds(50) }
  /// How long a call that is not urgent waits for company.
  private static var leisure: Duration { .milliseconds(20) }

  package let peer: Peer
  let wire: SessionWire<Call, Answer>
  let context: DaemonContext
  private let alarms: Alarms
  let state: Mutex<State>

  /// `window`: calls without an answer at a time; `capacity`: with those that wait to be sent.
  package init(
    _ peer: Peer, wire: SessionWire<Call, Answer>, breaker: CircuitBreaker.Settings, window: Int = 1_000,
    capacity: Int = 8_000, alarms: Alarms, context: DaemonContext
  ) {
    self.peer = peer
    self.wire = wire
    self.alarms = alarms
    self.context = context
    state = Mutex(
      State(table: CallTable(window: window, capacity: capacity), breaker: CircuitBreaker(breaker)))
  }

  /// As it is called in errors and in `/v1/status`.
  package var service: String { peer.service }

  /// Makes a call. `completion` is called once, on another task, unless the call is withdrawn before.
  ///
  /// Throws, and never calls `completion`: `service_unavailable` while the peer is not connected or its
  /// circuit is open,
  /// `overloaded` when too many calls are open, `stopping`. Returns what `withdraw` takes.
  ///
  /// `isUrgent`: false for a call that may wait a moment for others, to travel with them.
  @discardableResult
  package func submit(
    _ call: Call, deadline: Instant, isRetry: Bool = false, isUrgent: Bool = true,
    completion: @escaping Completion
  ) throws(ServiceError) -> UInt64 {
    let now = context.clocks.now()
    let cancelling = wire.cancelling(call)
    let size = wire.size(call)
    var change: Change?
    var wake: Wake?
    var sweep: Instant?
    var mustNudge = false
    let outcome: Result<UInt64, ServiceError> = state.withLock { state in
      let before = state.breaker.phase
      defer { change = Change(from: before, to: state.breaker.phase) }
      if state.link == .over { return .failure(ServiceError(.stopping, "this process is stopping")) }
      if !isRetry { state.budget.deposit() }
      guard let permit = state.breaker.admit(now: now) else {
        return .failure(unavailable("fails; its circuit is open", state.breaker.remainingPause(now: now)))
      }
      if state.link == .down {
        state.breaker.failed(permit, now: now)
        return .failure(unavailable("is not connected", nil))
      }
      let waiter = Waiter(
        completion: completion, permit: permit, cancelling: cancelling,
        wasHurried: deadline - now < Self.hurried)
      guard let id = state.table.add(call, size: size, token: waiter, deadline: deadline) else {
        state.breaker.withdrawn(permit)
        return .failure(
          ServiceError(
            .overloaded, "\(state.table.capacity) calls of \(service) are open", service: service,
            retryAfter: .seconds(1)))
      }
      if isUrgent { wake = state.wake }
      if !isUrgent, !state.isNudgeSet { (state.isNudgeSet, mustNudge) = (true, true) }
      sweep = state.mustSweep(at: deadline)
      return .success(id)
    }
    tell(change)
    wake?.yield()
    if let sweep { setSweep(sweep) }
    if mustNudge { alarms.ring(at: now + Self.leisure) { [weak self] in self?.nudge() } }
    return try outcome.get()
  }

  /// Sends what has waited for company, unless it has gone with something else.
  private func nudge() {
    let wake = state.withLock { state in
      state.isNudgeSet = false
      return state.table.count > state.table.sent ? state.wake : nil
    }
    wake?.yield()
  }

  /// Gives a call up: its completion is not called any more, and a peer that has it is told. False when it
  /// was over.
  @discardableResult
  package func withdraw(_ id: UInt64) -> Bool {
    let (wasOpen, wake) = state.withLock { state in
      guard let call = state.table.withdraw(id) else { return (false, state.wake) }
      state.breaker.withdrawn(call.token.permit)
      if call.wasSent, let note = call.token.cancelling { state.table.note(note) }
      return (true, state.wake)
    }
    if wasOpen { wake?.yield() }
    return wasOpen
  }

  /// Whether one more retry of a call is within the budget, of which it takes it.
  package func takeRetry() -> Bool {
    let now = context.clocks.now()
    return state.withLock { $0.budget.withdraw(now: now) }
  }

  private func unavailable(_ how: String, _ pause: Duration?) -> ServiceError {
    ServiceError(.serviceUnavailable, "\(service) \(how)", service: service, retryAfter: pause ?? .seconds(1))
  }

  // MARK: What comes back

  func receive(_ answers: SessionWire<Call, Answer>.Answers) {
    let now = context.clocks.now()
    var finished: [(Completion, Result<Answer, ServiceError>)] = []
    var change: Change?
    let wake = state.withLock { state in
      let before = state.breaker.phase
      for (id, answer) in answers {
        guard let waiter = state.table.answered(id) else {
          state.lateAnswers += 1
          continue
        }
        switch answer {
        case .failure(let error) where error.isPeersFault(wire.isOverloadGeneral):
          state.breaker.failed(waiter.permit, now: now)
        case .success, .failure: state.breaker.succeeded(waiter.permit)
        }
        finished.append((waiter.completion, answer))
      }
      change = Change(from: before, to: state.breaker.phase)
      // What waited for the window to open can go out now.
      return state.table.count > state.table.sent ? state.wake : nil
    }
    tell(change)
    wake?.yield()
    for (completion, answer) in finished { completion(answer) }
  }

  private func setSweep(_ time: Instant) {
    alarms.ring(at: time) { [weak self] in self?.sweep(setFor: time) }
  }

  /// Ends the calls whose time is over.
  private func sweep(setFor time: Instant) {
    let now = context.clocks.now()
    var change: Change?
    let (late, next, wake) = state.withLock { state in
      state.sweeps.removeAll { $0 == time }
      let before = state.breaker.phase
      let late = state.table.expire(now: now)
      for (_, call) in late {
        let waiter = call.token
        waiter.wasHurried
          ? state.breaker.withdrawn(waiter.permit) : state.breaker.failed(waiter.permit, now: now)
        if call.wasSent, let note = waiter.cancelling { state.table.note(note) }
      }
      let next = state.table.nextDeadline.flatMap { state.mustSweep(at: $0) }
      change = Change(from: before, to: state.breaker.phase)
      return (late, next, late.isEmpty ? nil : state.wake)
    }
    if let next { setSweep(next) }
    tell(change)
    wake?.yield()
    for (_, call) in late {
      call.token.completion(
        .failure(ServiceError(.deadlineExceeded, "\(service) did not answer in time", service: service)))
    }
  }

  /// Fails everything that is open.
  func fail(_ calls: [CallTable<Call, Waiter>.Withdrawn], _ error: ServiceError) {
    for call in calls { call.token.completion(.failure(error)) }
  }

  // MARK: The circuit

  struct Change {
    let from: CircuitBreaker.Phase
    let to: CircuitBreaker.Phase
  }

  func tell(_ change: Change?) {
    guard let change, change.from != change.to else { return }
    Counter(
      label: "ordersd_circuit_changes_total", dimensions: [("service", service), ("to", change.to.rawValue)]
    ).increment()
    let metadata: Logger.Metadata = ["service": "\(service)", "circuit": "\(change.to.rawValue)"]
    switch change.to {
    case .open: context.logger.tell(PeerEvent.circuitOpened, metadata: metadata)
    case .halfOpen: context.logger.info("A peer is tried again.", metadata: metadata)
    case .closed: context.logger.tell(PeerEvent.circuitClosed, metadata: metadata)
    }
  }
}

extension ServiceError {
  /// Whether the peer as a whole is in trouble, rather than this one call. `isOverloadGeneral`: of `SessionWire`.
  fileprivate func isPeersFault(_ isOverloadGeneral: Bool) -> Bool {
    switch code {
    case .overloaded: isOverloadGeneral
    case .stopping, .serviceUnavailable, .storageUnavailable, .deadlineExceeded: true
    default: false
    }
  }
}
