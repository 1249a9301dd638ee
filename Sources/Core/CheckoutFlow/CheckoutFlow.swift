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
  private var suggestions: [SuggestedItem] = []
  private var suggestionsDegraded = false
  /// Services that were called, and how many of their answers are still out. A service that was given up keeps its
  /// count for good: what it knows may never have reached this clock, so it cannot be held to the final one.
  private var unanswered: [(service: String, calls: Int)] = []

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
      count(service, -1)
      for result in results { take(result, from: service, wall: wall) }
    case (.running, .callFailed(let service, let events, let code, let message)):
      clock.tick(process)
      for event in events { giveUp(event, at: service, code: code, message: message, wall: wall) }
    case (.running(let deadline), .timerFired):
      expireAdvisory(now: now, wall: wall)
      if now >= deadline { expireRequired(wall: wall) }
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
    guard let event = table[result.event], event.service == service, case .fired? = progress[event.id] else { return }
    timeline.append(
      TimelineEntry(
        at: wall, actor: service, event: event.id, state: result.outcome.rawValue,
        reason: result.findings.first.map { "\($0.code): \($0.message)" }, clock: result.clock))
    switch (result.outcome, event.kind) {
    case (.passed, _):
      progress[event.id] = .passed
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
        event: .init(id: event.id, name: event.name), service: service, code: finding?.code ?? "\(event.id)_failed",
        reason: finding?.message ?? "\(event.name) failed", retryable: false, findings: result.findings)
    }
  }

  private mutating func giveUp(_ id: String, at service: String, code: String, message: String, wall: Timestamp) {
    guard let event = table[id], case .fired? = progress[id] else { return }
    let isAdvisory = event.kind == .advisory
    timeline.append(
      TimelineEntry(
        at: wall, actor: process, event: id, state: isAdvisory ? "degraded" : "unavailable",
        reason: "\(code): \(message)", clock: clock))
    if isAdvisory {
      progress[id] = .givenUp
      suggestionsDegraded = true
      return
    }
    progress[id] = .failed
    rejections[id] = Rejection(
      event: .init(id: id, name: event.name), service: service, code: code, reason: message, retryable: true,
      findings: [])
  }

  private mutating func expireAdvisory(now: Instant, wall: Timestamp) {
    for event in table.events where event.kind == .advisory {
      guard case .fired(let at)? = progress[event.id], now >= at + deadlines.advisory else { continue }
      clock.tick(process)
      giveUp(
        event.id, at: event.service, code: "deadline_exceeded",
        message: "\(event.service) did not answer within \(deadlines.advisory)", wall: wall)
    }
  }

  private mutating func expireRequired(wall: Timestamp) {
    clock.tick(process)
    for event in table.events where event.kind == .required {
      guard case .fired? = progress[event.id] else { continue }
      giveUp(
        event.id, at: event.service, code: "service_unavailable",
        message: "\(event.service) did not answer within the order's \(deadlines.order)", wall: wall)
    }
  }

  // MARK: Progress

  private mutating func advance(now: Instant, wall: Timestamp) -> [CheckoutEffect] {
    guard case .running(let deadline) = phase else { return [] }
    if let rejection = table.events.compactMap({ rejections[$0.id] }).first {
      return decide(.rejected(rejection))
    }
    var effects = fireCalls(now: now, deadline: deadline)
    if let handoff = table.events.first(where: { $0.kind == .handoff }), hasPassed(handoff.after), advisoryIsOver {
      return effects + decide(.approved)
    }
    effects.append(.setTimer(nextTimer(deadline)))
    return effects
  }

  private mutating func count(_ service: String, _ difference: Int) {
    if let index = unanswered.firstIndex(where: { $0.service == service }) {
      unanswered[index].calls += difference
    } else if difference > 0 {
      unanswered.append((service, difference))
    }
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
      if let batch { batches[batch].events.append(event.id) } else { batches.append((event.service, [event.id])) }
    }
    return batches.map { service, events in
      clock.tick(process)
      for event in events { progress[event] = .fired(at: now) }
      count(service, +1)
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
      verdict: verdict, suggestions: suggestions, suggestionsDegraded: suggestionsDegraded || abandoned,
      clock: clock)
    let finalClock = clock
    let joined = unanswered.filter { $0.calls == 0 }
    return [.decided(decision)] + joined.map { .settle(service: $0.service, finalClock: finalClock) }
  }
}
