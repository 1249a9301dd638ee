import CheckoutFlow
import CoreTime
import DaemonKit
import JournalLog
import Logging
import OrderDomain
import OrderStore
import OrderWire
import ServiceLifecycle
import VectorClock

/// Looks after what nobody else comes back to: orders whose check was cut off, and old idempotency keys.
struct Housekeeping: Service {
  /// Idempotency keys are kept this long.
  static let keyLifetime = Duration.seconds(24 * 3_600)
  private static let period = Duration.seconds(5)
  /// The period, and two commits in a row that each wait for another one.
  private static let longestSilence = Duration.seconds(25)

  let repository: OrderRepository
  let pool: CheckoutPool
  let context: DaemonContext

  /// Before anything is served: whatever was being checked was cut off by the last stop. Throws `ServiceError`.
  func recover() async throws {
    let interrupted = try await interrupt("the orchestrator stopped while it was checked") { _ in true }
    if interrupted > 0 {
      context.logger.tell(
        OrderEvent.interrupted,
        metadata: [
          "orders": "\(interrupted)"
        ])
    }
  }

  func run() async throws {
    let heartbeat = context.heartbeats.register("housekeeping", longestSilence: Self.longestSilence)
    defer { heartbeat.retire() }
    try await cancelWhenGracefulShutdown {
      var stamps = StampTrust(
        lifetime: Self.keyLifetime, wall: context.clocks.wall(), monotonic: context.clocks.now())
      while !Task.isCancelled {
        await heartbeat.turn()
        do { try await Task.sleep(for: Self.period) } catch { return }
        do {
          if repository.store.trouble != nil { try await probe() }
          // A decision that could not be made durable leaves its order behind.
          _ = try await interrupt("its decision could not be stored", beating: heartbeat) {
            !pool.isRunning($0)
          }
          await heartbeat.turn()
          let (wall, monotonic) = (context.clocks.wall(), context.clocks.now())
          if stamps.areTrusted(wall: wall, monotonic: monotonic) { try await purgeKeys(at: wall) }
        } catch is CancellationError {
          return
        } catch let error as ServiceError where error.isRetryable {
          context.logger.debug("Housekeeping waits for the store.", metadata: ["reason": "\(error)"])
        }
      }
    }
  }

  /// Makes orders under check `interrupted` where `isCutOff` holds: their card is gone, so that only the client can go
  /// on, with the same idempotency key. Returns how many.
  private func interrupt(
    _ reason: String, beating heartbeat: Heartbeat? = nil,
    where isCutOff: @escaping @Sendable (OrderID) -> Bool
  ) async throws -> Int {
    var interrupted = 0
    for state in [OrderState.received, .verifying] {
      try await repository.eachPage(in: state) { orders in
        for order in orders where isCutOff(order.id) {
          await heartbeat?.turn()
          let (process, now) = (context.process, context.clocks.wall())
          _ = try await repository.change(order.id) { order in
            // Decided or resumed meanwhile; whoever resumes it says so to the pool before the store.
            guard order.state == state, isCutOff(order.id) else { return nil }
            order.clock.tick(process)
            return [
              try order.become(.interrupted, actor: process, reason: reason, clock: order.clock, at: now)
            ]
          }
          interrupted += 1
        }
      }
    }
    return interrupted
  }

  /// A write that takes no room to speak of: where it goes through, `trouble` is over also when no orders come.
  private func probe() async throws {
    let now = context.clocks.wall()
    try await repository.store.commit { db in
      try CursorTable.set("store-probe", UInt64(clamping: now.milliseconds), db)
    }
  }

  private func purgeKeys(at wall: Timestamp) async throws {
    let end = wall + (.zero - Self.keyLifetime)
    try await repository.store.commit { db in try IdempotencyTable.purge(before: end, db) }
  }
}
