package import OrderWire
package import PriorityQueue
import Synchronization

/// One executor's open work stream, as the engine sees it.
package final class WorkLink: Sendable {
  /// What the stream's writer sends next.
  package enum Item: Sendable {
    case opened(leadershipLease: Duration)
    case deliveries([Delivery])
    /// Answers to commands; what they tell of is durable. `written` is called once they are on the stream.
    case answers([WorkAnswer], written: (@Sendable () -> Void)?)
    /// Ends the stream.
    case fenced(Fence)
    /// Ends the stream, too: something that no answer can say.
    case failed(ServiceError)
  }

  private struct State {
    var credits = 0
    /// Orders that are leased to the executor and not yet written to the stream.
    var unsent = 0
    var isClosed = false
  }

  package let id: UInt64
  package let leader: LeaderToken
  let incarnation: UInt64
  let lease: Duration
  let pipe: Pipe<Item>
  private let state = Mutex(State())

  init(id: UInt64, leader: LeaderToken, incarnation: UInt64, lease: Duration, pipe: Pipe<Item>) {
    self.id = id
    self.leader = leader
    self.incarnation = incarnation
    self.lease = lease
    self.pipe = pipe
  }

  var credits: Int { state.withLock { $0.isClosed ? 0 : $0.credits } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// False when that would be more than the limit, with what was promised before and is not sent.
  func grant(_ credits: Int) -> Bool {
    state.withLock { state in
      guard state.credits + state.unsent + credits <= QueueLimit.credits else { return false }
      state.credits += credits
      return true
    }
  }

  func spend(_ credits: Int) {
    state.withLock { state in
      state.credits -= credits
      state.unsent += credits
    }
  }

  /// Of a lease that did not become durable.
  func refund(_ credits: Int) {
    state.withLock { state in
      state.credits += credits
      state.unsent -= credits
    }
  }

  /// So many orders were written to the stream.
  package func sent(_ orders: Int) { state.withLock { $0.unsent -= orders } }
  func close() { state.withLock { $0.isClosed = true } }

  /// From here on it carries no leadership.
  func end(_ fence: Fence) {
    close()
    pipe.push(.fenced(fence))
    pipe.finish()
  }
}
