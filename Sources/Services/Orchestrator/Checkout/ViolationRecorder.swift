import CheckoutFlow
import DaemonKit
import Logging
import OrderDomain
import OrderWire
import ServiceLifecycle
import VectorClock

/// Writes down what a service reports when it is told that an order is over: it knows of events that the final clock
/// does not cover. Such a report stands in the order's timeline from then on, and makes its causality's verdict bad.
final class ViolationRecorder: Service, Sendable {
  /// The state of such a line of the timeline.
  static let state = "violation"
  /// Reports that wait for the disk; there should be none.
  private static let capacity = 256
  /// A commit may wait for another one.
  private static let longestSilence = Duration.seconds(20)

  private struct Report: Sendable {
    let order: OrderID
    let service: String
    let clock: VectorClock
  }

  private let repository: OrderRepository
  private let context: DaemonContext
  private let (reports, reporting) = AsyncStream.makeStream(
    of: Report.self, bufferingPolicy: .bufferingOldest(ViolationRecorder.capacity))

  init(repository: OrderRepository, context: DaemonContext) {
    self.repository = repository
    self.context = context
  }

  /// `clock`: what the service knows of.
  func report(_ order: OrderID, by service: String, clock: VectorClock) {
    reporting.yield(Report(order: order, service: service, clock: clock))
  }

  func run() async throws {
    let heartbeat = context.heartbeats.register(
      "violation-recorder", longestSilence: Self.longestSilence, idle: true)
    defer { heartbeat.retire() }
    await withGracefulShutdownHandler {
      for await report in reports {
        await heartbeat.turn()
        await write(report)
        heartbeat.idle()
      }
    } onGracefulShutdown: { [reporting] in
      reporting.finish()
    }
  }

  private func write(_ report: Report) async {
    let time = context.clocks.wall()
    do {
      _ = try await repository.change(report.order) { _ in
        [
          TimelineEntry(
            at: time, actor: report.service, state: Self.state,
            reason: "\(report.service) knows of events that the order's final clock does not cover",
            clock: report.clock)
        ]
      }
    } catch {
      context.logger.error(
        "A violation of causality could not be written down.",
        metadata: ["order_id": "\(report.order)", "service": "\(report.service)", "reason": "\(error)"])
    }
  }
}
