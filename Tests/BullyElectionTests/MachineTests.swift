import CoreTime
import Testing

@testable import BullyElection

@Suite struct MachineTests {
  private typealias Kind = ElectionMessage.Kind

  private func node(_ raw: UInt16) throws -> NodeID { try #require(NodeID(raw)) }

  private func machine(
    _ id: UInt16, _ change: (inout BullyConfiguration) -> Void = { _ in }
  ) throws -> BullyElection {
    var configuration = BullyConfiguration()
    change(&configuration)
    var machine = BullyElection(
      id: try node(id), incarnation: 7, configuration: configuration, seed: 1, eligible: true)
    _ = machine.step(.started, now: .zero)
    return machine
  }

  private func message(
    from sender: UInt16, _ kind: Kind, sequence: UInt64, term: UInt64 = 1, to: UInt16? = nil,
    eligible: Bool = true, incarnation: UInt64 = 1, lane: String = "main", epoch: UInt64 = 0
  ) throws -> BullyElection.Input {
    .message(
      ElectionMessage(
        lane: lane, sender: try node(sender), incarnation: incarnation, sequence: sequence, term: term,
        epoch: epoch, eligible: eligible, to: to.flatMap { NodeID($0) }, kind: kind))
  }

  private func sent(_ effects: [BullyElection.Effect]) -> [Kind] {
    effects.compactMap { if case .send(let message) = $0 { message.kind } else { nil } }
  }

  /// Lets timers fire, in time, until `role` is reached. Returns the instant.
  private func drive(_ machine: inout BullyElection, to role: BullyElection.Role) throws -> Instant {
    var now = Instant.zero
    for _ in 0..<50 {
      if machine.role == role { return now }
      now = try #require(machine.nextDeadline)
      _ = machine.step(.timerFired, now: now)
    }
    Issue.record("never became \(role)")
    return now
  }

  @Test func aLoneNodeLeadsAndClaims() throws {
    var machine = try machine(1)
    let electing = try drive(&machine, to: .electing)
    #expect(electing >= .zero + .milliseconds(300))
    let now = try #require(machine.nextDeadline)
    let effects = machine.step(.timerFired, now: now)
    #expect(sent(effects) == [.coordinator])
    #expect(effects.contains(.becameLeader(term: 1)))
    let granted = machine.step(.epochGranted(4), now: now)
    #expect(machine.leader?.epoch == 4)
    #expect(sent(granted) == [.coordinator])
  }

  @Test func anEarlyTimerChangesNothing() throws {
    var machine = try machine(1)
    let state = machine.state
    let effects = machine.step(.timerFired, now: .zero + .milliseconds(1))
    #expect(machine.state == state)
    #expect(effects == [.setTimer(machine.nextDeadline)])
  }

  @Test func ineligibleNodesNeitherAnswerNorStand() throws {
    var machine = try machine(3)
    _ = machine.step(.becameIneligible(.queueUnreachable), now: .zero)
    #expect(machine.nextDeadline == nil)
    let effects = machine.step(try message(from: 1, .election, sequence: 1), now: .zero)
    #expect(sent(effects).isEmpty)
    let named = machine.step(
      try message(from: 2, .resign(.handover, successor: node(3)), sequence: 1), now: .zero)
    #expect(sent(named) == [.resign(.ineligible, successor: nil)], "nobody is to wait for it")
    #expect(machine.role == .searching)
  }

  @Test func aHigherEligibleAnswerStopsTheCandidate() throws {
    for (from, eligible, to, expected): (UInt16, Bool, UInt16, BullyElection.Role) in [
      (3, true, 2, .awaiting), (3, false, 2, .electing), (3, true, 1, .electing), (1, true, 2, .electing),
    ] {
      var machine = try machine(2)
      let now = try drive(&machine, to: .electing)
      let answer = try message(from: from, .answer, sequence: 1, to: to, eligible: eligible)
      _ = machine.step(answer, now: now)
      #expect(machine.role == expected)
    }
  }

  @Test func whoWasAnsweredInVainStandsAgain() throws {
    var machine = try machine(2)
    let now = try drive(&machine, to: .electing)
    _ = machine.step(try message(from: 3, .answer, sequence: 1, to: 2), now: now)
    let again = try #require(machine.nextDeadline)
    #expect(sent(machine.step(.timerFired, now: again)) == [.election])
  }

  @Test func termsOnlyGrow() throws {
    var machine = try machine(2)
    _ = machine.step(try message(from: 1, .election, sequence: 1, term: 41), now: .zero)
    _ = try drive(&machine, to: .leading)
    #expect(machine.leader?.term == 42)
    let now = try #require(machine.nextDeadline)
    let heal = machine.step(try message(from: 1, .coordinator, sequence: 2, term: 50), now: now)
    #expect(sent(heal) == [.coordinator])
    #expect(machine.leader.map { $0.term > 50 } == true)
    let absurd = machine.step(try message(from: 1, .coordinator, sequence: 3, term: .max), now: now)
    #expect(absurd.isEmpty)
  }

  @Test func oldDoubledAndFormerLifeMessagesAreIgnored() throws {
    var machine = try machine(1)
    _ = machine.step(try message(from: 3, .coordinator, sequence: 5, term: 9), now: .zero)
    #expect(machine.leader?.id.rawValue == 3)
    _ = machine.step(try message(from: 3, .coordinator, sequence: 1, term: 10, incarnation: 2), now: .zero)
    #expect(machine.leader?.incarnation == 2)
    let resign = Kind.resign(.stopping, successor: nil)
    for (sequence, incarnation): (UInt64, UInt64) in [(6, 1), (1, 2)] {
      let effects = machine.step(
        try message(from: 3, resign, sequence: sequence, incarnation: incarnation), now: .zero)
      #expect(effects.isEmpty)
    }
    #expect(machine.leader?.id.rawValue == 3)
    #expect(machine.step(try message(from: 3, resign, sequence: 2, lane: "other"), now: .zero).isEmpty)
  }

  @Test func aLowerCoordinatorDoesNotReplaceAFreshHigherOne() throws {
    var machine = try machine(1)
    _ = machine.step(try message(from: 3, .coordinator, sequence: 1, term: 2), now: .zero)
    _ = machine.step(try message(from: 2, .coordinator, sequence: 1, term: 9), now: .zero + .milliseconds(10))
    #expect(machine.leader?.id.rawValue == 3)
  }

  @Test func anEpochForANodeThatNoLongerLeadsIsGivenBack() throws {
    var machine = try machine(1)
    let now = try drive(&machine, to: .leading)
    let yielded = machine.step(try message(from: 2, .coordinator, sequence: 1, term: 5), now: now)
    #expect(yielded.contains(.stoppedLeading(.yielded(to: try node(2)))))
    #expect(machine.step(.epochGranted(3), now: now).contains(.stoppedLeading(.notLeading)))
  }

  @Test func aLostEpochIsClaimedAgainAndAnOldGrantIsIgnored() throws {
    var machine = try machine(1)
    let now = try drive(&machine, to: .leading)
    _ = machine.step(.epochGranted(3), now: now)
    let lost = machine.step(.epochLost, now: now)
    #expect(lost.contains(.stoppedLeading(.epochLost)))
    #expect(lost.contains(.becameLeader(term: 1)))
    _ = machine.step(.epochGranted(2), now: now)
    #expect(machine.leader?.epoch == 0)
    // The queue may let the same holder resume.
    _ = machine.step(.epochGranted(3), now: now)
    #expect(machine.leader?.epoch == 3)
  }

  @Test func stopSaysSoAndIsFinal() throws {
    var machine = try machine(1)
    let now = try drive(&machine, to: .leading)
    let effects = machine.step(.stopRequested, now: now)
    let stopped = try #require(effects.firstIndex(of: .stoppedLeading(.stopping)))
    let resigned = try #require(effects.firstIndex { if case .send = $0 { true } else { false } })
    #expect(stopped < resigned)
    #expect(effects.contains(.setTimer(nil)))
    #expect(machine.step(.started, now: now).isEmpty)
    #expect(machine.step(try message(from: 2, .coordinator, sequence: 1), now: now).isEmpty)
  }

  @Test func aStormIsNotFed() throws {
    var machine = try machine(3)
    var effects: [BullyElection.Effect] = []
    var elections = 0
    for sequence in 1...UInt64(200) {
      let now = Instant.zero + .milliseconds(Int64(sequence))
      effects += machine.step(try message(from: 1, .election, sequence: sequence), now: now)
      effects += machine.step(
        try message(from: 2, .resign(.stopping, successor: nil), sequence: sequence), now: now)
      // Others' coordinator and resignation make it stand anew each time.
      _ = machine.step(try message(from: 4, .coordinator, sequence: 2 * sequence, term: 1), now: now)
      let resign = Kind.resign(.stopping, successor: nil)
      effects += machine.step(try message(from: 4, resign, sequence: 2 * sequence + 1), now: now)
    }
    elections = sent(effects).count { $0 == .election }
    #expect(effects.contains { if case .note(.storm) = $0 { true } else { false } })
    #expect(elections <= 16)
  }

  @Test func configurationMistakesAreAllNamed() {
    #expect(BullyConfiguration().problems.isEmpty)
    var configuration = BullyConfiguration()
    configuration.heartbeat = .zero
    configuration.lane = ""
    configuration.handoverTimeout = configuration.drainTimeout
    #expect(configuration.problems.count == 3)
    #expect(configuration.problems.contains { $0.hasPrefix("handoverTimeout ") })
  }
}
