import CoreTime
import Testing

@testable import BullyElection

/// One machine on a bench: inputs by hand, time by hand.
struct Bench {
  var machine: BullyElection
  var now = Instant.zero
  private var sequences: [UInt16: UInt64] = [:]

  init(_ id: UInt16, seed: UInt64 = 1, _ change: (inout BullyConfiguration) -> Void = { _ in }) throws {
    var configuration = BullyConfiguration()
    change(&configuration)
    machine = BullyElection(
      id: try #require(NodeID(id)), incarnation: 7, configuration: configuration, seed: seed, eligible: true)
    give(.started)
  }

  var role: BullyElection.Role { machine.role }

  @discardableResult
  mutating func give(_ input: BullyElection.Input) -> [BullyElection.Effect] { machine.step(input, now: now) }

  /// A message from a peer, which counts its sequence by itself.
  @discardableResult
  mutating func hear(
    _ sender: UInt16, _ kind: ElectionMessage.Kind, term: UInt64 = 1, to: UInt16? = nil,
    eligible: Bool = true, incarnation: UInt64? = nil,
    sequence: UInt64? = nil, record: LeadershipRecord? = nil
  ) throws -> [BullyElection.Effect] {
    let next = sequence ?? (sequences[sender] ?? 0) + 1
    sequences[sender] = next
    return give(
      .message(
        ElectionMessage(
          lane: machine.configuration.lane, sender: try #require(NodeID(sender)),
          incarnation: incarnation ?? UInt64(sender), sequence: next, term: term, eligible: eligible,
          to: to.flatMap { NodeID($0) }, kind: kind,
          record: record)))
  }

  /// Lets `time` pass with every timer in time. Returns all effects.
  @discardableResult
  mutating func pass(_ time: Duration) -> [BullyElection.Effect] {
    var effects: [BullyElection.Effect] = []
    let end = now + time
    while let deadline = machine.nextDeadline, deadline <= end {
      now = max(now, deadline)
      effects += give(.timerFired)
    }
    now = end
    return effects
  }

  mutating func lead() throws {
    for _ in 0..<50 where role != .leading { pass(.milliseconds(100)) }
    try #require(role == .leading)
  }
}

extension [BullyElection.Effect] {
  var sent: [ElectionMessage] { compactMap { if case .send(let message) = $0 { message } else { nil } } }
  var kinds: [ElectionMessage.Kind] { sent.map(\.kind) }
  var notes: [BullyElection.Note] { compactMap { if case .note(let note) = $0 { note } else { nil } } }
  var story: SplitBrainStory? {
    notes.lazy.compactMap { if case .splitBrain(let story) = $0 { story } else { nil } }.first
  }
}

func node(_ raw: UInt16) throws -> NodeID { try #require(NodeID(raw)) }
