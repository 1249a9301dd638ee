import Synchronization

/// Where the election leaves word whether this executor is to lead, and the work loop finds it.
///
/// Only the latest word counts, so nothing can pile up and nothing is lost: a new `generation` means that
/// whatever was led before is over.
final class LeadershipDesk: Sendable {
  struct Orders: Sendable, Hashable {
    enum Wanted: Sendable, Hashable {
      case nothing
      case leading(term: UInt64)
      /// Lease no more, finish, then say so.
      case draining
    }

    var generation: UInt64 = 0
    var wanted = Wanted.nothing
  }

  /// One wake-up for however many changes.
  let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation
  private let state = Mutex(Orders())

  init() { (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  var orders: Orders { state.withLock { $0 } }

  func lead(term: UInt64) { change(.leading(term: term), isNew: true) }
  func stop() { change(.nothing, isNew: true) }
  func drain() { change(.draining, isNew: false) }

  private func change(_ wanted: Orders.Wanted, isNew: Bool) {
    state.withLock { orders in
      if isNew { orders.generation += 1 }
      orders.wanted = wanted
    }
    wake.yield()
  }
}
