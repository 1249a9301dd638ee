import OrderDomain
import OrderWire
import Synchronization

/// Tells those who follow orders live (SSE) of every change, once it is durable. Slow followers lose what is old.
final class OrderFeed: Sendable {
  /// Most followers at a time.
  static let maximumFollowers = 512
  /// Changes kept for one that does not keep up.
  static let buffer = 128

  private struct Follower {
    let order: OrderID?
    let continuation: AsyncStream<StoredOrder>.Continuation
  }

  private struct State {
    var followers: [Int: Follower] = [:]
    var next = 0
    var isFinished = false
  }

  private let state = Mutex(State())

  /// Changes of one order, or of all. Throws `overloaded` when too many follow.
  func follow(_ order: OrderID?) throws -> AsyncStream<StoredOrder> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: StoredOrder.self, bufferingPolicy: .bufferingNewest(Self.buffer))
    let admitted: Int? = state.withLock { state in
      guard !state.isFinished, state.followers.count < Self.maximumFollowers else { return nil }
      state.next += 1
      state.followers[state.next] = Follower(order: order, continuation: continuation)
      return state.next
    }
    guard let number = admitted else {
      throw ServiceError(.overloaded, "too many clients follow orders live", retryAfter: .seconds(5))
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLock { _ = $0.followers.removeValue(forKey: number) }
    }
    return stream
  }

  func publish(_ orders: [StoredOrder]) {
    let followers = state.withLock { Array($0.followers.values) }
    for order in orders {
      for follower in followers where follower.order == nil || follower.order == order.id {
        follower.continuation.yield(order)
      }
    }
  }

  /// Ends all streams, for the stop.
  func finish() {
    let followers = state.withLock { state in
      state.isFinished = true
      return Array(state.followers.values)
    }
    for follower in followers { follower.continuation.finish() }
  }
}
