import DaemonKit
import GRPCCore
import GRPCSupport
import JournalLog
import Logging
import OrderProtos
import OrderStore
import OrderWire
import ServiceLifecycle
import Synchronization

/// Follows what becomes of the orders in the queue, from a durable cursor on: `QueueNews` applies each
/// outcome once, in the same transaction that moves the cursor.
final class OutcomeFollower: Service, Sendable {
  static let cursor = "order-queue-outcomes"
  /// As long as the store's neighbours have.
  private static let longestSilence = DurableStore.slowestCommit * 2

  private let repository: OrderRepository
  private let queue: Peer
  private let news: QueueNews
  private let context: DaemonContext
  private let connected = Mutex(false)
  /// What keeps outcomes from being taken over for good; it takes an operator.
  private let trouble = Mutex<String?>(nil)

  init(repository: OrderRepository, queue: Peer, news: QueueNews, context: DaemonContext) {
    self.repository = repository
    self.queue = queue
    self.news = news
    self.context = context
  }

  /// Whether the stream is open.
  var isConnected: Bool { connected.withLock { $0 } }

  var problem: String? { trouble.withLock { $0 } }

  func run() async throws {
    // It turns while it takes outcomes over; how long it waits for them is up to the queue.
    let heartbeat = context.heartbeats.register(
      "outcome-follower", longestSilence: Self.longestSilence, idle: true)
    defer { heartbeat.retire() }
    await cancelWhenGracefulShutdown { [self] in
      var pause = Duration.milliseconds(50)
      while !Task.isCancelled {
        do {
          if try await follow(heartbeat) { pause = .milliseconds(50) }
          // The queue ended it, as it does when it stops.
          connected.withLock { $0 = false }
        } catch is CancellationError {
          return
        } catch let error as RPCError where ServiceError(error, service: queue.service).code == .conflict {
          connected.withLock { $0 = false }
          historyIsLost(ServiceError(error, service: queue.service))
          pause = Self.longPause
        } catch {
          let wasConnected = connected.withLock { connected in
            defer { connected = false }
            return connected
          }
          if wasConnected {
            context.logger.tell(
              OrderEvent.outcomesBroke,
              metadata: [
                "reason": "\(error)"
              ])
            pause = .milliseconds(50)
          }
        }
        try? await Task.sleep(for: pause / 2 + pause / 2 * Double.random(in: 0...1))
        pause = min(pause * 2, trouble.withLock { $0 } == nil ? .seconds(1) : Self.longPause)
      }
    }
  }

  private static let longPause = Duration.seconds(10)

  /// The queue does not know of outcomes that were applied here: its database is not the one that told of
  /// them.
  private func historyIsLost(_ error: ServiceError) {
    let isNew = trouble.withLock { trouble in
      defer { trouble = "order-queue has lost its history: \(error.message)" }
      return trouble == nil
    }
    guard isNew else { return }
    context.logger.tell(
      OrderEvent.historyLost,
      metadata: [
        "reason": "\(error.message)", "cursor": "\(Self.cursor)",
      ])
  }

  /// Takes one stream to its end. True when anything came.
  private func follow(_ heartbeat: Heartbeat) async throws -> Bool {
    let after = try await repository.store.read { db in try CursorTable.value(Self.cursor, db) }
    return try await queue.followOutcomes(after: after) {
      self.connected.withLock { $0 = true }
    } take: { outcomes in
      self.trouble.withLock { $0 = nil }
      await heartbeat.turn()
      // To wait for room is no standstill of this loop: the one that makes it has a heartbeat of its own.
      heartbeat.idle()
      try await self.news.put(outcomes)
    }
  }
}
