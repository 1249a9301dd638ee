import CoreTime
import Foundation
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import Testing

/// Those that keep a machine busy: one after the other.
@Suite(.serialized) enum HeavyTests {}

extension HeavyTests {
  /// The real process, killed with SIGKILL at random points under load, again and again on the same files.
  ///
  /// The client writes down what was acknowledged to it. After every restart the queue must know all of it, and
  /// must never hand out again what it acknowledged as done. `CRASH_ROUNDS` sets the number of rounds.
  @Suite(.timeLimit(.minutes(30)))
  struct CrashTests {
    private static let rounds = ProcessInfo.processInfo.environment["CRASH_ROUNDS"].flatMap(Int.init) ?? 15

    @Test func nothingAcknowledgedIsLostAndNothingDoneIsDoneAgain() async throws {
      let folder = TemporaryFolder()
      let record = Record()
      let port = try QueueProcess.freePort()
      for round in 1...Self.rounds {
        let process = try QueueProcess(folder: folder.path, port: port)
        defer { if process.isRunning { process.crash() } }
        // One in eight is killed while it starts.
        if round % 8 == 0 {
          try await Task.sleep(for: .milliseconds(.random(in: 0...400)))
          process.crash()
          continue
        }
        let life = Duration.milliseconds(.random(in: 50...900))
        try await withClient(process) { queue in
          try await eventually("round \(round): the queue answers, \(process.errors)") {
            (try? await queue.stats()) != nil
          }
          try await record.compare(with: queue, round: round)
          try await load(queue, record, for: life, then: process)
        }
      }
      let process = try QueueProcess(folder: folder.path, port: port)
      try await withClient(process) { queue in
        try await eventually("the queue answers") { (try? await queue.stats()) != nil }
        try await record.compare(with: queue, round: 0)
        try await record.finish(with: queue)
      }
      process.crash()
      let total = record.totals()
      print(
        "crash loop: \(Self.rounds) rounds, \(total.acknowledged) operations acknowledged (\(total.detail)),",
        "\(total.lost) lost, \(total.twice) executed again after their ack, \(total.epochs) epochs")
      #expect(total.lost == 0)
      #expect(total.twice == 0)
      #expect(total.epochs > Self.rounds / 2)
      #expect(total.acknowledged > Self.rounds * 10, "the load must get somewhere")
    }

    /// Everything at once until the process is killed.
    private func load(
      _ queue: QueueClient, _ record: Record, for life: Duration, then process: QueueProcess
    ) async throws {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 { group.addTask { await produce(queue, record, while: { process.isRunning }) } }
        group.addTask { await lead(queue, record, while: { process.isRunning }) }
        group.addTask {
          try? await Task.sleep(for: life)
          process.crash()
        }
      }
    }

    private func produce(
      _ queue: QueueClient, _ record: Record, while isRunning: @Sendable () -> Bool
    ) async {
      while isRunning() {
        let id = newOrderID()
        // A call without an answer may have happened or not; only answers are written down.
        do {
          _ = try await queue.enqueue(
            id, priority: .random(in: 0...9), body: Data(count: .random(in: 0...2_000)))
          record.note(.enqueued, id)
          if Int.random(in: 0..<10) == 0 { _ = try await queue.enqueue(id) }
          if Int.random(in: 0..<8) == 0 {
            record.doubt(id)
            if try await queue.cancel(id).cancelled { record.note(.cancelled, id) }
          }
        } catch { continue }
      }
    }

    private func lead(
      _ queue: QueueClient, _ record: Record, while isRunning: @Sendable () -> Bool
    ) async {
      var epoch: UInt64 = 0
      var leased = 0
      while isRunning() {
        do {
          if epoch == 0 || leased > 200 {
            // Sometimes a new process of the executor: a new epoch, and what was leased goes back.
            epoch = try await queue.claim(1, incarnation: .random(in: 1...UInt64.max)).epoch
            record.granted(epoch)
            leased = 0
          }
          let deliveries = try await queue.lease(epoch, max: 16)
          leased += deliveries.count
          for delivery in deliveries { record.delivered(delivery.orderID) }
          let current = epoch
          await withTaskGroup(of: Void.self) { group in
            for delivery in deliveries {
              group.addTask { await settle(delivery.orderID, current, queue, record) }
            }
          }
          if deliveries.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        } catch { continue }
      }
    }

    private func settle(_ id: String, _ epoch: UInt64, _ queue: QueueClient, _ record: Record) async {
      do {
        switch Int.random(in: 0..<10) {
        case 0..<7:
          record.doubt(id)
          _ = try await queue.ack(id, epoch)
          record.note(.done, id)
        case 7: _ = try await queue.nack(id, epoch)
        case 8:
          record.doubt(id)
          if try await queue.nack(id, epoch, { $0.permanent = true }).state == .buried {
            record.note(.buried, id)
          }
        default: break
        }
      } catch {
        // No answer, or fenced by a later claim: nothing was promised.
        return
      }
    }
  }
}

/// What was acknowledged, by order; and what was asked for without an answer.
private final class Record: Sendable {
  enum Fact: String, CaseIterable { case enqueued, cancelled, done, buried }

  struct Totals {
    var acknowledged = 0
    var detail = ""
    var lost = 0
    var twice = 0
    var epochs = 0
  }

  private struct State {
    var facts: [String: Fact] = [:]
    /// Something final was asked for; without its answer the order may be there or here.
    var doubtful: Set<String> = []
    var counts: [Fact: Int] = [:]
    var epochs: [UInt64] = []
    var lost: Set<String> = []
    var twice = 0
  }

  private let state = Mutex(State())

  func note(_ fact: Fact, _ id: String) {
    state.withLock { state in
      // An ack's answer may overtake that of the enqueue.
      if fact != .enqueued || state.facts[id] == nil { state.facts[id] = fact }
      state.counts[fact, default: 0] += 1
    }
  }

  func doubt(_ id: String) { state.withLock { _ = $0.doubtful.insert(id) } }

  func delivered(_ id: String) {
    state.withLock { state in
      if [.done, .cancelled, .buried].contains(state.facts[id]) { state.twice += 1 }
    }
  }

  func granted(_ epoch: UInt64) {
    state.withLock { state in
      #expect(epoch > state.epochs.last ?? 0, "epochs grow")
      state.epochs.append(epoch)
    }
  }

  func compare(with queue: QueueClient, round: Int) async throws {
    let found = try await queue.list()
    let stats = try await queue.stats()
    let live = stats.ready + stats.leased + stats.delayed + stats.buried
    #expect(stats.enqueued == live + stats.done + stats.cancelled + stats.expired)
    #expect(stats.enqueued == UInt64(found.count))
    state.withLock { state in
      #expect(stats.lanes.first?.epoch ?? 0 >= state.epochs.last ?? 0, "round \(round): the epoch went back")
      for (id, fact) in state.facts {
        let now = found[id]?.state
        let isKept =
          switch fact {
          case .enqueued:
            now != nil && (state.doubtful.contains(id) || [.ready, .leased, .delayed, .buried].contains(now))
          case .cancelled: now == .cancelled
          case .done: now == .done
          case .buried: now == .buried
          }
        if !isKept, state.lost.insert(id).inserted {
          Issue.record(
            "round \(round): \(id) was acknowledged as \(fact), and is \(now.map { "\($0)" } ?? "gone")")
        }
      }
    }
  }

  /// Carries out what is left: everything that was acknowledged and not withdrawn can be had, and nothing else.
  func finish(with queue: QueueClient) async throws {
    let epoch = try await queue.claim(9).epoch
    granted(epoch)
    while true {
      let deliveries = try await queue.lease(epoch, max: 256)
      if deliveries.isEmpty { break }
      for delivery in deliveries {
        delivered(delivery.orderID)
        try await queue.ack(delivery.orderID, epoch)
        note(.done, delivery.orderID)
      }
    }
    try await compare(with: queue, round: 0)
    let stats = try await queue.stats()
    #expect(stats.ready + stats.leased + stats.delayed == 0)
  }

  func totals() -> Totals {
    state.withLock { state in
      Totals(
        acknowledged: state.counts.values.reduce(0, +),
        detail: Fact.allCases.map { "\($0.rawValue) \(state.counts[$0] ?? 0)" }.joined(separator: ", "),
        lost: state.lost.count, twice: state.twice, epochs: state.epochs.count)
    }
  }
}
