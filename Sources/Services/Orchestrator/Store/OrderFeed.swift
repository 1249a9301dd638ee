import OrderDomain
import OrderWire
import Synchronization

/// Wakes those who follow orders live (SSE, a cancel) after every change, once it is durable. What has changed they
/// read from the store, by change number: nobody loses a change, and nobody sees two in the wrong order.
final class OrderFeed: Sendable {
  /// Most followers at a time.
  static let maximumFollowers = 512

  private struct Follower {
    let order: OrderID?
    let isCounted: Bool
    let continuation: AsyncStream<Void>.Continuation
  }

  private struct State {
    var followers: [Int: Follower] = [:]
    var counted = 0
    var next = 0
    var isFinished = false
  }

  private let state = Mutex(State())

  /// Wakes after changes of one order, or of any; several changes can be one wake-up. Ends with the daemon.
  ///
  /// `isCounted`: false for what this process itself waits for, which is bounded elsewhere.
  /// Throws `overloaded` when too many follow, `stopping` when the daemon stops.
  func follow(_ order: OrderID?, isCounted: Bool = true) throws -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number = try state.withLock { state in
      if state.isFinished {
        throw ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2))
      }
      guard !isCounted || state.counted < Self.maximumFollowers else {
        throw ServiceError(
          .overloaded, "\(Self.maximumFollowers) clients follow orders live; that is the limit",
          retryAfter: .seconds(5))
      }
      state.next += 1
      if isCounted { state.counted += 1 }
      state.followers[state.next] = Follower(order: order, isCounted: isCounted, continuation: continuation)
      return state.next
    }
    continuation.onTermination = { [weak self] _ in self?.leave(number) }
    return stream
  }

  private func leave(_ number: Int) {
    state.withLock { state in
      if let gone = state.followers.removeValue(forKey: number), gone.isCounted { state.counted -= 1 }
    }
  }

  /// These orders have changed; it is durable.
  func publish(_ orders: [StoredOrder]) {
    guard !orders.isEmpty else { return }
    let followers = state.withLock { Array($0.followers.values) }
    for follower in followers where follower.order.map({ id in orders.contains { $0.id == id } }) ?? true {
      follower.continuation.yield()
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
