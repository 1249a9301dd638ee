package import PriorityQueue
import Synchronization

/// One executor's open work stream, as the engine sees it.
package final class WorkLink: Sendable {
  /// What the stream's writer sends next.
  package enum Item: Sendable {
    case opened(leadershipLease: Duration)
    case deliveries([Delivery])
    /// Answers to one message's commands, once they are durable.
    case answers(@Sendable () async throws -> [WorkAnswer])
    /// Ends the stream.
    case fenced(Fence)
  }

  package let id: UInt64
  package let leader: LeaderToken
  let incarnation: UInt64
  let lease: Duration
  let pipe: Pipe<Item>
  private let state = Mutex((credits: 0, isClosed: false))

  init(id: UInt64, leader: LeaderToken, incarnation: UInt64, lease: Duration, pipe: Pipe<Item>) {
    self.id = id
    self.leader = leader
    self.incarnation = incarnation
    self.lease = lease
    self.pipe = pipe
  }

  var credits: Int { state.withLock { $0.isClosed ? 0 : $0.credits } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// False when that would be more than the limit.
  func grant(_ credits: Int) -> Bool {
    state.withLock { state in
      guard state.credits + credits <= QueueLimit.credits else { return false }
      state.credits += credits
      return true
    }
  }

  func spend(_ credits: Int) { state.withLock { $0.credits -= credits } }
  /// Of a lease that did not become durable.
  func refund(_ credits: Int) { state.withLock { $0.credits += credits } }
  func close() { state.withLock { $0.isClosed = true } }

  /// From here on it carries no leadership.
  func end(_ fence: Fence) {
    close()
    pipe.push(.fenced(fence))
    pipe.finish()
  }
}
