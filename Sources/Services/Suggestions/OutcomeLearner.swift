import DaemonKit
import GRPCCore
import GRPCSupport
import JournalLog
import Logging
import OrderWire
import ServiceLifecycle

/// Follows what becomes of the orders in the queue, from the memory's cursor on. Nobody waits for it:
/// while the queue is away, suggestions come from what is known.
struct OutcomeLearner: Service {
  private static let shortestPause = Duration.milliseconds(50)
  private static let longestPause = Duration.seconds(5)

  let memory: SuggestionMemory
  let queue: Peer
  let context: DaemonContext

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var pause = Self.shortestPause
      while !Task.isCancelled {
        do {
          if try await follow() { pause = Self.shortestPause }
          // The queue ended it, as it does when it stops.
          lost("its stream of outcomes has ended")
        } catch is CancellationError {
          return
        } catch let error as RPCError {
          let error = ServiceError(error, service: queue.service)
          if error.code == .conflict, goOn(after: error) { continue }
          lost(error.message)
        } catch {
          lost("\(error)")
        }
        // Half of it is jitter. A sleep that is cancelled ends the loop.
        try? await Task.sleep(for: pause / 2 + pause / 2 * Double.random(in: 0...1))
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  /// Takes one stream to its end. True when anything came.
  private func follow() async throws -> Bool {
    let cursor = memory.cursor
    return try await queue.followOutcomes(after: cursor) {
      guard memory.note(.queue, nil) else { return }
      context.logger.info("The outcomes are followed again.", metadata: ["cursor": "\(cursor)"])
    } take: { outcomes in
      memory.learn(outcomes)
    }
  }

  private func lost(_ reason: String) {
    guard !Task.isCancelled, memory.note(.queue, "order-queue: \(reason)") else { return }
    context.logger.tell(
      CheckEvent.learningStopped,
      metadata: ["reason": "\(reason)"])
  }

  /// The queue does not have what comes after the cursor. False when it does not say what it has.
  private func goOn(after error: ServiceError) -> Bool {
    let cursor = memory.cursor
    if let oldest = error.details["oldest"].flatMap(UInt64.init), oldest > cursor + 1 {
      context.logger.warning(
        "Outcomes were forgotten by the order-queue before they were learned; they are left out.",
        metadata: ["cursor": "\(cursor)", "oldest": "\(oldest)"])
      memory.skip(to: oldest - 1, missed: oldest - 1 - cursor)
      return true
    }
    if let last = error.details["last"].flatMap(UInt64.init), last < cursor {
      context.logger.warning(
        "The order-queue's history is shorter than what was learned of it; it is followed from its end.",
        metadata: ["cursor": "\(cursor)", "last": "\(last)"])
      memory.skip(to: last, missed: 0)
      return true
    }
    return false
  }
}
