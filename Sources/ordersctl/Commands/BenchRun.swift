import GRPCCore
import GRPCSupport
import OrderProtos
import OrderWire
import SwiftProtobuf

/// One measurement: the streams, and what paces them.
struct BenchRun: Sendable {
  let plan: BenchPlan
  let peer: Peer

  /// Enqueues under way while the queue is filled.
  private static let fillWindow = 2_048
  private static let renewal: Duration = .milliseconds(200)
  private static let deadline: Duration = .seconds(10)

  func measure() async throws -> BenchFigures {
    var figures = BenchFigures(plan: plan)
    if plan.fill > 0 {
      let cycles = BenchCycles(plan: plan, epoch: 0, window: Self.fillWindow, fill: plan.fill)
      let clock = ContinuousClock()
      figures.fillTime = try await clock.measure { try await session(cycles) }
    }
    if plan.time > .zero {
      let epoch = try await claim()
      let cycles = BenchCycles(plan: plan, epoch: epoch, window: plan.inFlight, fill: nil)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await work(cycles) }
        group.addTask { try await session(cycles) }
        group.addTask { await pace(cycles) }
        for try await _ in group {}
      }
      (figures.time, figures.latencies) = cycles.measured
      try await resign(epoch)
    }
    return figures
  }

  /// Renews the leadership until it is time to stop.
  private func pace(_ cycles: BenchCycles) async {
    let clock = ContinuousClock()
    let began = clock.now
    var isMeasuring = false
    while clock.now < began + plan.warmUp + plan.time, !Task.isCancelled {
      cycles.renew()
      let next = isMeasuring ? began + plan.warmUp + plan.time : began + plan.warmUp
      // Cancelled with the group; the loop sees that.
      try? await clock.sleep(until: min(clock.now + Self.renewal, next))
      if !isMeasuring, clock.now >= began + plan.warmUp {
        cycles.beginMeasuring()
        isMeasuring = true
      }
    }
    cycles.stop()
    while !cycles.isOver, !Task.isCancelled {
      cycles.renew()
      // As above.
      try? await clock.sleep(for: .milliseconds(20))
    }
  }

  // MARK: Calls

  private func claim() async throws -> UInt64 {
    let request = Ordersd_V1_ClaimRequest.with {
      $0.lane = plan.lane
      $0.executorID = plan.executor
      $0.incarnation = plan.incarnation
      $0.term = 1
    }
    let reply = try await peer.call(deadline: Self.deadline) { client, options in
      try await Ordersd_V1_OrderQueue.Client(wrapping: client).claim(request, options: options)
    }
    guard reply.granted else {
      throw ServiceError(.conflict, "the lane \(plan.lane) is held by \(reply.holder); name another one")
    }
    return reply.epoch
  }

  private func resign(_ epoch: UInt64) async throws {
    let request = Ordersd_V1_ResignRequest.with {
      $0.fence = .with {
        $0.lane = plan.lane
        $0.epoch = epoch
      }
      $0.reason = "the measurement is over"
    }
    do {
      _ = try await peer.call(deadline: Self.deadline) { client, options in
        try await Ordersd_V1_OrderQueue.Client(wrapping: client).resign(request, options: options)
      }
    } catch let error as ServiceError where error.code == .fenced {
      // The end of the stream has freed the lane already.
    }
  }

  // MARK: Streams

  private func session(_ cycles: BenchCycles) async throws {
    cycles.begin()
    try await Ordersd_V1_OrderQueue.Client(wrapping: peer.client).session(
      options: .defaults,
      requestProducer: { writer in
        try await cycles.calls.send { calls in try await writer.write(.with { $0.calls = calls }) }
      },
      onResponse: { response in
        for try await reply in response.messages { try cycles.take(reply.answers) }
      })
  }

  private func work(_ cycles: BenchCycles) async throws {
    try await Ordersd_V1_OrderQueue.Client(wrapping: peer.client).work(
      options: .defaults,
      requestProducer: { writer in
        try await cycles.commands.send { commands in
          try await writer.write(.with { $0.commands = commands })
        }
      },
      onResponse: { response in
        for try await reply in response.messages { try cycles.take(reply.events) }
      })
  }
}
