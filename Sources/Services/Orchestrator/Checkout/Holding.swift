import CheckoutFlow
import CoreTime
import DaemonKit
import Logging
import OrderDomain
import OrderWire
import ServiceLifecycle
import Synchronization

/// What becomes of an order when a check service cannot do its part in time.
package enum FailurePolicy: String, Sendable, CaseIterable {
  /// It is rejected; trying again can help.
  case reject
  /// It becomes `interrupted`, and the orchestrator tries again until `max-hold`.
  case hold
}

/// Orders that are held because a service could not do its part, with what is needed to try again. In memory only, for
/// the card is in it: a restart leaves them `interrupted`, and a repeat of their key resumes them.
final class Holding: Sendable {
  struct Settings: Sendable {
    /// Services whose failure holds an order.
    var services: Set<String>
    /// From the first failure to the last try.
    var longest: Duration
    /// Orders held at a time; beyond it they are rejected.
    var capacity: Int
  }

  private static let shortestPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(10)

  private struct Held {
    let request: Intake.Submission
    let since: Instant
    var pause: Duration
    var nextTry: Instant
  }

  private let settings: Settings
  private let held = Mutex<[OrderID: Held]>([:])

  init(_ settings: Settings) { self.settings = settings }

  var count: Int { held.withLock { $0.count } }

  /// Holds an order that was rejected because a service could not do its part. Returns the reason; nil when it is to be
  /// rejected: by policy, after `max-hold`, or because too many are held.
  func hold(_ id: OrderID, _ request: Intake.Submission, _ decision: CheckoutDecision, now: Instant)
    -> String?
  {
    guard case .rejected(let rejection) = decision.verdict, rejection.retryable,
      settings.services.contains(rejection.service)
    else { return nil }
    let isHeld = held.withLock { held in
      guard held[id] != nil || held.count < settings.capacity else { return false }
      var order =
        held[id] ?? Held(request: request, since: now, pause: Self.shortestPause, nextTry: now)
      guard now - order.since < settings.longest else { return false }
      // Half of it is jitter, so that they do not all come at once.
      order.nextTry = now + (order.pause / 2 + order.pause / 2 * Double.random(in: 0...1))
      order.pause = min(order.pause * 2, Self.longestPause)
      held[id] = order
      return true
    }
    return isHeld ? "held, and tried again by itself: \(rejection.reason)" : nil
  }

  /// The order is decided.
  func forget(_ id: OrderID) { held.withLock { _ = $0.removeValue(forKey: id) } }

  /// Orders whose next try is due. Each comes again after a while, unless it is forgotten or held anew.
  func due(now: Instant, atMost limit: Int) -> [(OrderID, Intake.Submission)] {
    held.withLock { held in
      let due = held.filter { $0.value.nextTry <= now }.sorted { $0.value.nextTry < $1.value.nextTry }
      for (id, _) in due.prefix(limit) { held[id]?.nextTry = now + Self.longestPause }
      return due.prefix(limit).map { ($0.key, $0.value.request) }
    }
  }
}

/// Tries held orders again.
struct HoldService: Service {
  private static let period = Duration.milliseconds(250)
  /// Orders of one period, so that those who come anew find room.
  private static let batch = 32

  let holding: Holding
  let intake: Intake
  let context: DaemonContext

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        while !Task.isCancelled {
          do { try await Task.sleep(for: Self.period) } catch { return }
          for (id, request) in holding.due(now: context.clocks.now(), atMost: Self.batch) {
            group.addTask { await tryAgain(id, request) }
          }
        }
      }
    }
  }

  private func tryAgain(_ id: OrderID, _ request: Intake.Submission) async {
    do {
      try await intake.tryAgain(id, request)
    } catch {
      // Too many are in flight, or the store does not take it: it stays held.
      context.logger.debug(
        "A held order could not be tried again yet.", metadata: ["order_id": "\(id)", "reason": "\(error)"])
    }
  }
}
