import CoreTime
import DaemonKit
import Logging
import OrderDomain
import OrderProtos
import OrderStore
import ServiceLifecycle
import Synchronization

/// What the order-queue says of orders, on its way to the disk. It is gathered for a moment: the steps of an
/// order that follow each other at once (taken, leased, executed) become one change of it, and those of many
/// orders one commit, so that they do not compete with the commits that clients wait for (ADR 0026).
///
/// Nothing is answered on the strength of it. What a crash loses in here comes again: an order whose taking
/// was not written down is still approved, and is offered once more; outcomes are told from the durable
/// cursor on.
final class QueueNews: Service, Sendable {
  /// How long the first of them waits for others.
  static let pause = Duration.milliseconds(20)
  /// The same after a time in which `busy` came: with so many under way the next step of an order takes
  /// longer, too.
  static let busyPause = Duration.milliseconds(200)
  static let busy = 32
  /// While the store does not take them.
  private static let longestPause = Duration.seconds(2)
  /// Outcomes, and answers to orders that were handed over, that wait at most.
  static let capacity = 4_096
  /// A transaction, behind another one, and the pause between two tries.
  private static let longestSilence = DurableStore.slowestCommit * 2 + longestPause

  private struct State {
    var batch = NewsBatch()
    /// Called once what is in `batch` is durable.
    var written: [@Sendable (_ mustWithdraw: Bool) -> Void] = []
    /// The follower, while there is no room.
    var waiting: CheckedContinuation<Void, any Error>?
  }

  private let repository: OrderRepository
  private let context: DaemonContext
  private let state = Mutex(State())
  private let (wakeUps, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  init(repository: OrderRepository, context: DaemonContext) {
    self.repository = repository
    self.context = context
  }

  /// Orders that the queue has taken. `written` is called once that is durable; it says whether one of them
  /// is to be withdrawn. False, and nothing is kept, when there is no room.
  func put(
    _ taken: [NewsBatch.Taken], written: @escaping @Sendable (_ mustWithdraw: Bool) -> Void
  ) -> Bool {
    let hasRoom = state.withLock { state in
      guard state.batch.taken.count < Self.capacity else { return false }
      state.batch.taken += taken
      state.written.append(written)
      return true
    }
    wake.yield()
    return hasRoom
  }

  /// Outcomes, in their order, from one caller at a time. Waits for room. Throws `CancellationError` when the
  /// task is cancelled meanwhile; they are not kept then.
  func put(_ outcomes: [Ordersd_V1_Outcome]) async throws {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let hasRoom: Bool? = state.withLock { state in
          if Task.isCancelled { return nil }
          guard state.batch.outcomes.count >= Self.capacity else { return true }
          state.waiting = continuation
          return false
        }
        switch hasRoom {
        case true?: continuation.resume()
        case false?: break
        case nil: continuation.resume(throwing: CancellationError())
        }
      }
    } onCancel: {
      takeWaiting()?.resume(throwing: CancellationError())
    }
    state.withLock { $0.batch.outcomes += outcomes }
    wake.yield()
  }

  func run() async throws {
    let heartbeat = context.heartbeats.register("queue-news", longestSilence: Self.longestSilence, idle: true)
    defer { heartbeat.retire() }
    await cancelWhenGracefulShutdown { [self] in
      var last = 0
      for await _ in wakeUps {
        var pause = last < Self.busy ? Self.pause : Self.busyPause
        while true {
          // Cut short by the stop.
          do { try await Task.sleep(for: pause) } catch { return }
          await heartbeat.turn()
          if let count = await write() {
            last = count
            break
          }
          pause = min(pause * 2, Self.longestPause)
        }
        heartbeat.idle()
      }
    }
    _ = await write()
  }

  /// Makes all that waits durable. Returns how much it was; nil when the store does not take it.
  private func write() async -> Int? {
    let (batch, written) = state.withLock { state in
      defer { (state.batch, state.written) = (NewsBatch(), []) }
      return (state.batch, state.written)
    }
    if batch.isEmpty { return 0 }
    let context = context
    do {
      let mustWithdraw = try await repository.commit { writer in try batch.write(with: &writer, context) }
      for finish in written { finish(mustWithdraw) }
      takeWaiting()?.resume()
      return batch.taken.count + batch.outcomes.count
    } catch {
      // In front of what has come meanwhile.
      state.withLock { state in
        state.batch.taken.insert(contentsOf: batch.taken, at: 0)
        state.batch.outcomes.insert(contentsOf: batch.outcomes, at: 0)
        state.written.insert(contentsOf: written, at: 0)
      }
      context.logger.debug("What the queue says waits for the store.", metadata: ["reason": "\(error)"])
      return nil
    }
  }

  private func takeWaiting() -> CheckedContinuation<Void, any Error>? {
    state.withLock { state in
      defer { state.waiting = nil }
      return state.waiting
    }
  }
}
