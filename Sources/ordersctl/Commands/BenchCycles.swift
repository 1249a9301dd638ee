import CoreTime
import OrderDomain
import OrderProtos
import OrderWire
import Randomness
import SwiftProtobuf
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The cycles that are under way: what is sent next, and how long each took.
final class BenchCycles: Sendable {
  let calls = BenchOutbox<Ordersd_V1_QueueCall>()
  let commands = BenchOutbox<Ordersd_V1_WorkCommand>()

  private struct Cycle {
    let began: ContinuousClock.Instant
    /// The enqueueing is answered.
    var isIn = false
    /// The order that was handed out is acknowledged.
    var isOut = false

    init(began: ContinuousClock.Instant) { self.began = began }
  }

  private struct State {
    var cycles: [UInt64: Cycle] = [:]
    var next: UInt64 = 1
    /// The cycle that the next delivery belongs to.
    var nextOut: UInt64 = 1
    var outs: [String: UInt64] = [:]
    var left: Int?
    var measuringSince: ContinuousClock.Instant?
    var stopped: ContinuousClock.Instant?
    var latencies: [UInt32] = []
    var random = SplitMix64(seed: UInt64.random(in: 0...UInt64.max))
  }

  private let plan: BenchPlan
  private let epoch: UInt64
  private let window: Int
  private let body: Data
  private let clock = ContinuousClock()
  private let state: Mutex<State>

  /// `fill`: only enqueue, and so many.
  init(plan: BenchPlan, epoch: UInt64, window: Int, fill: Int?) {
    (self.plan, self.epoch, self.window) = (plan, epoch, window)
    body = Data(repeating: UInt8(ascii: "x"), count: plan.bodySize)
    state = Mutex(State(left: fill))
    if fill == nil {
      commands.append([
        .with {
          $0.open = .with { open in
            open.fence = fence
            open.executorID = plan.executor
            open.incarnation = plan.incarnation
          }
        }
      ])
    }
  }

  private var fence: Ordersd_V1_Fence {
    .with {
      $0.lane = plan.lane
      $0.epoch = epoch
    }
  }

  var measured: (time: Duration, latencies: [UInt32]) {
    state.withLock { state in
      guard let began = state.measuringSince, let ended = state.stopped else { return (.zero, []) }
      return (ended - began, state.latencies)
    }
  }

  var isOver: Bool { state.withLock { $0.stopped != nil && $0.cycles.isEmpty } }

  func begin() { start(state.withLock { begin(window, &$0) }) }

  func beginMeasuring() { state.withLock { $0.measuringSince = clock.now } }

  func renew() { commands.append([.with { $0.renew = .with { $0.fence = fence } }]) }

  /// Begins no more cycles. The streams end with the last one.
  func stop() {
    state.withLock { $0.stopped = clock.now }
    endWhenOver()
  }

  func take(_ answers: [Ordersd_V1_QueueAnswer]) throws {
    for answer in answers {
      if case .error(let error) = answer.answer { throw failure("enqueue", error) }
    }
    let next = state.withLock { state in
      var over = 0
      for answer in answers {
        if update(answer.correlationID, &state, { $0.isIn = true }) { over += 1 }
      }
      return begin(over, &state)
    }
    start(next)
    endWhenOver()
  }

  func take(_ events: [Ordersd_V1_WorkEvent]) throws {
    var acks: [Ordersd_V1_WorkCommand] = []
    let next = try state.withLock { state in
      var over = 0
      for event in events {
        switch event.event {
        case .delivery(let delivery):
          state.outs[delivery.orderID] = state.nextOut
          state.nextOut += 1
          acks.append(
            .with {
              $0.ack = .with { ack in
                ack.fence = fence
                ack.orderID = delivery.orderID
                ack.clock = delivery.clock
              }
            })
        case .settled(let settled):
          if settled.hasError { throw failure("ack", settled.error) }
          guard let cycle = state.outs.removeValue(forKey: settled.orderID) else { continue }
          if update(cycle, &state, { $0.isOut = true }) { over += 1 }
        case .fenced:
          throw ServiceError(.conflict, "the lane \(plan.lane) went to somebody else")
        case .opened, .renewed, nil: break
        }
      }
      return begin(over, &state)
    }
    if !acks.isEmpty { commands.append(acks) }
    start(next)
    endWhenOver()
  }

  /// Whether that was the end of the cycle.
  private func update(_ number: UInt64, _ state: inout State, _ change: (inout Cycle) -> Void) -> Bool {
    guard var cycle = state.cycles[number] else { return false }
    change(&cycle)
    guard cycle.isIn, cycle.isOut || state.left != nil else {
      state.cycles[number] = cycle
      return false
    }
    state.cycles[number] = nil
    if state.measuringSince != nil, state.stopped == nil {
      let microseconds = (clock.now - cycle.began) / .microseconds(1)
      state.latencies.append(UInt32(min(microseconds, 4e9)))
    }
    return true
  }

  private func begin(_ count: Int, _ state: inout State) -> [Ordersd_V1_QueueCall] {
    guard state.stopped == nil, count > 0 else { return [] }
    let now = clock.now
    let count = min(count, state.left ?? count)
    if let left = state.left {
      state.left = left - count
      if left == count { state.stopped = now }
    }
    let time = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    return (0..<count).map { _ in
      let number = state.next
      state.next += 1
      state.cycles[number] = Cycle(began: now)
      let id = OrderID(at: time, using: &state.random)
      return .with {
        $0.correlationID = number
        $0.enqueue = .with { enqueue in
          enqueue.orderID = id.description
          enqueue.lane = plan.lane
          enqueue.priority = 5
          enqueue.body = body
        }
      }
    }
  }

  private func start(_ calls: [Ordersd_V1_QueueCall]) {
    guard !calls.isEmpty else { return }
    if state.withLock({ $0.left == nil }) {
      commands.append([.with { $0.credits = .with { $0.credits = UInt32(calls.count) } }])
    }
    self.calls.append(calls)
  }

  private func endWhenOver() {
    guard isOver else { return }
    calls.finish()
    commands.finish()
  }

  private func failure(_ what: String, _ error: Ordersd_V1_CallError) -> ServiceError {
    ServiceError(.internal, "\(what) was refused: \(error.message) (\(error.code))")
  }
}
