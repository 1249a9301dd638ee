package import CoreTime
import OrderDomain
package import VectorClock

/// How long things may take.
package struct CheckoutDeadlines: Sendable, Hashable {
  /// From the start to the decision.
  package var order: Duration
  /// From an advisory event's firing until it is given up.
  package var advisory: Duration

  package init(order: Duration, advisory: Duration) {
    self.order = order
    self.advisory = advisory
  }
}

/// The checkout of one order: fires events as soon as what they wait for has passed, joins them, keeps the vector
/// clock, and decides. It knows the table, not the services.
///
/// Events of one service that wait for nothing but each other travel in one message. The first failed event in the
/// table's order decides; the rest is cancelled.
package struct CheckoutFlow: Sendable {
  /// Where one event is.
  private enum Progress: Hashable {
    /// Can turn into fired.
    case waiting
    /// Can turn into passed, failed, given up.
    case fired(at: Instant)
    /// Final.
    case passed
    /// Final.
    case failed
    /// An advisory event that did not answer in time, or failed. Final.
    case givenUp
  }

  private enum Phase: Hashable {
    /// Can turn into running.
    case idle
    /// Can turn into decided.
    case running(deadline: Instant)
    /// Final: late answers still merge into nothing and cause nothing.
    case decided
  }

  /// Findings of passed events that are kept.
  private static let maximumFindings = 50

  package let table: EventTable
  /// The process that runs this: its component in the clock.
  package let process: String
  /// Everything known of the order's past.
  package private(set) var clock: VectorClock
  /// What happened since the last `takeTimeline()`, in order.
  private var timeline: [TimelineEntry] = []
  private let deadlines: CheckoutDeadlines
  private var phase = Phase.idle
  private var progress: [String: Progress]
  private var rejections: [String: Rejection] = [:]
  /// What was found of events that passed.
  private var findings: [Finding] = []
  private var suggestions: [SuggestedItem] = []
  private var suggestionsDegraded = false
  /// Services that were called, in the order of their first call.
  private var called: [String] = []
  /// The calls whose answers are still out. A call that was given up stays for good unless it is answered after all:
  /// what its service knows may never have reached this clock, so it cannot be held to the final one.
  private var open: [(service: String, events: [String])] = []

  /// `clock`: the order's clock so far.
  package init(table: EventTable, process: String, clock: VectorClock, deadlines: CheckoutDeadlines) {
    self.table = table
    self.process = process
    self.clock = clock
    self.deadlines = deadlines
    progress = Dictionary(table.events.map { ($0.id, .waiting) }, uniquingKeysWith: { first, _ in first })
  }

  /// Takes one input. `wall` is for the timeline only.
  package mutating func step(_ input: CheckoutInput, now: Instant, wall: Timestamp) -> [CheckoutEffect] {
    switch (phase, input) {
    case (.idle, .started):
      phase = .running(deadline: now + deadlines.order)
    case (.running, .replied(let service, let results, let message)):
      clock.receive(message, at: process)
      close(service, results)
      for result in results { take(result, from: service, wall: wall) }
    case (.running, .callFailed(let service, let events, let code, let message)):
      clock.tick(process)
      for event in events { giveUp(event, at: service, code: code, message: message, wall: wall) }
    case (.running, .timerFired):
      break
    // Before the start nothing is asked, so nothing can be answered; after the decision answers come too late.
    case (.idle, .replied), (.idle, .callFailed), (.idle, .timerFired), (.running, .started), (.decided, _):
      return []
    }
    return advance(now: now, wall: wall)
  }

  /// Hands over the timeline gathered so far.
  package mutating func takeTimeline() -> [TimelineEntry] {
    defer { timeline = [] }
    return timeline
  }

  // MARK: Results

  private mutating func take(_ result: EventResult, from service: String, wall: Timestamp) {
    // A doubled, late or foreign result changes nothing.
    guard let event = table[result.event], event.service == service, case .fired? = progress[event.id] else {
      return
    }
    timeline.append(
      TimelineEntry(
        at: wall, actor: service, event: event.id, state: result.outcome.rawValue,
        reason: result.findings.first.map { "\($0.code): \($0.message)" }, clock: result.clock))
    switch (result.outcome, event.kind) {
    case (.passed, _):
      progress[event.id] = .passed
      findings += result.findings.prefix(Self.maximumFindings - findings.count)
      if event.kind == .advisory { suggestions = result.suggestions }
    case (.failed, .advisory), (.skipped, .advisory):
      progress[event.id] = .givenUp
      suggestionsDegraded = true
    case (.skipped, _):
      // Decided by the event that it waited for.
      progress[event.id] = .failed
    case (.failed, _):
      progress[event.id] = .failed
      let finding = result.findings.first
      rejections[event.id] = Rejection(
        event: .init(id: event.id, name: event.name), service: service,
        code: finding?.code ?? "\(event.id)_failed",
        reason: finding?.message ?? "\(event.name) failed", retryable: false, findings: result.findings)
    }
  }

  private mutating func giveUp(
    _ id: String, at service: String, code: String, message: String, wall: Timestamp
  ) {
    guard let event = table[id], event.service == service, case .fired? = progress[id] else { return }
    guard event.kind == .advisory else { return reject(event, code: code, message, wall: wall) }
    progress[id] = .givenUp
    suggestionsDegraded = true
    note(event, state: "degraded", reason: "\(code): \(message)", wall: wall)
  }

  /// The event could not be carried out, through no fault of the order's.
  private mutating func reject(
    _ event: CheckoutEvent, code: String = "service_unavailable", _ message: String, wall: Timestamp
  ) {
    progress[event.id] = .failed
    rejections[event.id] = Rejection(
      event: .init(id: event.id, name: event.name), service: event.service, code: code, reason: message,
      retryable: true, findings: [])
    note(event, state: "unavailable", reason: "\(code): \(message)", wall: wall)
  }

  private mutating func note(_ event: CheckoutEvent, state: String, reason: String, wall: Timestamp) {
    timeline.append(
      TimelineEntry(at: wall, actor: process, event: event.id, state: state, reason: reason, clock: clock))
  }

  /// Gives up advisory events that are out of time, and those that can never fire.
  private mutating func expireAdvisory(now: Instant, deadline: Instant, wall: Timestamp) {
    for event in table.events where event.kind == .advisory {
      switch progress[event.id] {
      case .fired(let at)? where now >= min(at + deadlines.advisory, deadline):
        clock.tick(process)
        giveUp(
          event.id, at: event.service, code: "deadline_exceeded",
          message: "\(event.service) did not answer within \(min(deadlines.advisory, deadline - at))",
          wall: wall)
      case .waiting? where event.after.contains(where: { progress[$0] == .givenUp }):
        progress[event.id] = .givenUp
        suggestionsDegraded = true
      case .waiting?, .fired?, .passed?, .failed?, .givenUp?, nil:
        break
      }
    }
  }

  /// At the order's deadline: whatever has not passed is unavailable, also what could not be asked in time.
  private mutating func expireRequired(wall: Timestamp) {
    clock.tick(process)
    for event in table.events where event.kind == .required {
      switch progress[event.id] {
      case .fired?:
        giveUp(
          event.id, at: event.service, code: "service_unavailable",
          message: "\(event.service) did not answer within the order's \(deadlines.order)", wall: wall)
      case .waiting? where hasPassed(event.after):
        reject(
          event, "the order's \(deadlines.order) were over before \(event.service) could be asked", wall: wall
        )
      case .waiting?, .passed?, .failed?, .givenUp?, nil:
        break
      }
    }
  }

  /// A skipped event is decided by the one that it waited for. Where none of those has failed, the answer makes no
  /// sense, and is not guessed around.
  private mutating func rejectUnfoundedSkips(wall: Timestamp) {
    for event in table.events where progress[event.id] == .failed && rejections[event.id] == nil {
      guard !event.after.contains(where: { progress[$0] == .failed }) else { continue }
      reject(event, "\(event.service) skipped '\(event.name)' without a reason", wall: wall)
    }
  }

  // MARK: Progress

  private mutating func advance(now: Instant, wall: Timestamp) -> [CheckoutEffect] {
    guard case .running(let deadline) = phase else { return [] }
    rejectUnfoundedSkips(wall: wall)
    expireAdvisory(now: now, deadline: deadline, wall: wall)
    // Not only when the timer fires: nothing may be asked with no time left to answer in.
    if rejections.isEmpty, now >= deadline { expireRequired(wall: wall) }
    if let rejection = table.events.compactMap({ rejections[$0.id] }).first {
      return decide(.rejected(rejection))
    }
    var effects = fireCalls(now: now, deadline: deadline)
    if let handoff = table.events.first(where: { $0.kind == .handoff }), hasPassed(handoff.after),
      advisoryIsOver
    {
      return effects + decide(.approved)
    }
    effects.append(.setTimer(nextTimer(deadline)))
    return effects
  }

  /// A reply answers the open call that it has a result of; a doubled one answers none.
  private mutating func close(_ service: String, _ results: [EventResult]) {
    let index = open.firstIndex { call in
      call.service == service && results.contains { call.events.contains($0.event) }
    }
    if let index { open.remove(at: index) }
  }

  private func hasPassed(_ ids: [String]) -> Bool { ids.allSatisfy { progress[$0] == .passed } }

  private var advisoryIsOver: Bool {
    table.events.filter { $0.kind == .advisory }.allSatisfy { event in
      switch progress[event.id] {
      case .passed, .givenUp, .failed, nil: true
      case .waiting, .fired: false
      }
    }
  }

  private func nextTimer(_ deadline: Instant) -> Instant {
    var next = deadline
    for event in table.events where event.kind == .advisory {
      if case .fired(let at)? = progress[event.id] { next = min(next, at + deadlines.advisory) }
    }
    return next
  }

  /// Fires, service by service, every waiting event whose predecessors have passed or travel in the same message.
  private mutating func fireCalls(now: Instant, deadline: Instant) -> [CheckoutEffect] {
    var batches: [(service: String, events: [String])] = []
    for event in table.events where event.kind != .handoff && progress[event.id] == .waiting {
      let batch = batches.firstIndex { $0.service == event.service }
      let together = batch.map { batches[$0].events } ?? []
      guard event.after.allSatisfy({ progress[$0] == .passed || together.contains($0) }) else { continue }
      if let batch {
        batches[batch].events.append(event.id)
      } else {
        batches.append((event.service, [event.id]))
      }
    }
    return batches.map { service, events in
      clock.tick(process)
      for event in events { progress[event] = .fired(at: now) }
      if !called.contains(service) { called.append(service) }
      open.append((service, events))
      return .call(service: service, events: events, clock: clock, budget: budget(of: events, now, deadline))
    }
  }

  private func budget(of events: [String], _ now: Instant, _ deadline: Instant) -> Duration {
    let left = deadline - now
    let isAdvisory = events.allSatisfy { table[$0]?.kind == .advisory }
    return isAdvisory ? min(left, deadlines.advisory) : left
  }

  private mutating func decide(_ verdict: CheckoutDecision.Verdict) -> [CheckoutEffect] {
    phase = .decided
    clock.tick(process)
    let abandoned = table.events.contains { event in
      guard event.kind == .advisory else { return false }
      switch progress[event.id] {
      case .passed, nil: return false
      case .waiting, .fired, .failed, .givenUp: return true
      }
    }
    let decision = CheckoutDecision(
      verdict: verdict, findings: findings, suggestions: suggestions,
      suggestionsDegraded: suggestionsDegraded || abandoned,
      clock: clock)
    let finalClock = clock
    let joined = called.filter { service in !open.contains { $0.service == service } }
    return [.decided(decision)] + joined.map { .settle(service: $0, finalClock: finalClock) }
  }
}
