/// Something in a history that could not have happened as it was recorded.
package struct CausalViolation: Sendable, Hashable {
  /// Which rule is broken.
  package enum Rule: String, Sendable, Hashable, CaseIterable {
    /// Two events of one process are not ordered, or in another order than they were recorded: a process does one
    /// thing after the other.
    case processOrder = "process_order"
    /// An event did not happen after one that it had to wait for.
    case requiredOrder = "required_order"
    /// An event's clock does not count the event itself.
    case ownTick = "own_tick"
    /// An event is not covered by the final clock: it knows of something that the final clock does not.
    case beyondFinal = "beyond_final"
  }

  package let rule: Rule
  /// Positions in the history's events; two for the rules about order, earlier one first.
  package let events: [Int]
  /// A sentence for a person.
  package let message: String
}

/// What must hold in a history beyond what its clocks say of themselves.
package struct CausalAudit: Sendable {
  /// `earlier` must have happened before `later`, wherever both were recorded.
  package struct Requirement: Sendable, Hashable {
    package let earlier: String
    package let later: String

    package init(_ earlier: String, before later: String) {
      self.earlier = earlier
      self.later = later
    }
  }

  /// Most violations that are told.
  package static let maximumViolations = 100

  private let requirements: [Requirement]
  /// Names of events that tick their process's component themselves.
  private let ticking: Set<String>

  package init(requirements: [Requirement], ticking: Set<String>) {
    self.requirements = requirements
    self.ticking = ticking
  }

  /// Empty = consistent. `finalClock`: must cover every event; nil when the history is not over.
  package func violations(of history: CausalHistory, finalClock: VectorClock?) -> [CausalViolation] {
    let found =
      processOrder(history) + requiredOrder(history) + ownTicks(history)
      + (finalClock.map { beyond($0, history) } ?? [])
    return Array(found.prefix(Self.maximumViolations))
  }

  private func processOrder(_ history: CausalHistory) -> [CausalViolation] {
    var last: [String: Int] = [:]
    var found: [CausalViolation] = []
    for (index, event) in history.events.enumerated() {
      // Neighbours suffice: the relation is transitive.
      if let before = last.updateValue(index, forKey: event.process), !history.happenedBefore(before, index) {
        let how = history.areConcurrent(before, index) ? "is concurrent with" : "happened after"
        found.append(
          CausalViolation(
            rule: .processOrder, events: [before, index],
            message:
              "at \(event.process), '\(history.events[before].name)' \(how) '\(event.name)', which it recorded later"
          ))
      }
    }
    return found
  }

  private func requiredOrder(_ history: CausalHistory) -> [CausalViolation] {
    let positions = Dictionary(grouping: history.events.indices) { history.events[$0].name }
    return requirements.flatMap { requirement -> [CausalViolation] in
      (positions[requirement.later] ?? []).compactMap { later in
        let earlier = positions[requirement.earlier] ?? []
        // An order that was taken up again has its events twice: one of the earlier ones must have come before.
        guard let first = earlier.first, !earlier.contains(where: { history.happenedBefore($0, later) })
        else {
          return nil
        }
        return CausalViolation(
          rule: .requiredOrder, events: [first, later],
          message: "'\(requirement.later)' did not happen after '\(requirement.earlier)', for which it waits")
      }
    }
  }

  private func ownTicks(_ history: CausalHistory) -> [CausalViolation] {
    history.events.enumerated().compactMap { index, event in
      guard ticking.contains(event.name), event.clock[event.process] == 0 else { return nil }
      return CausalViolation(
        rule: .ownTick, events: [index],
        message: "the clock of '\(event.name)' does not count \(event.process), where it happened")
    }
  }

  private func beyond(_ final: VectorClock, _ history: CausalHistory) -> [CausalViolation] {
    history.events.enumerated().compactMap { index, event in
      guard !event.clock.isCovered(by: final) else { return nil }
      return CausalViolation(
        rule: .beyondFinal, events: [index],
        message:
          "'\(event.name)' at \(event.process) knows of events that the order's clock \(final) does not")
    }
  }
}
