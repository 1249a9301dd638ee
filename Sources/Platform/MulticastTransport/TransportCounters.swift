import Synchronization

/// What happened on a socket so far. All only grow.
package struct TransportCounters: Sendable, Hashable {
  /// Datagrams handed to the consumer or buffered for it.
  package var received: UInt64 = 0
  /// Dropped for their length; the end of a very long one is cut off before.
  package var oversized: UInt64 = 0
  /// Dropped because the consumer was too slow.
  package var overrun: UInt64 = 0
  /// Datagrams given to the kernel; in unicast mode one for each peer.
  package var sent: UInt64 = 0
  /// Datagrams that could not be sent.
  package var sendFailures: UInt64 = 0
  /// Errors that the kernel reported on the socket.
  package var socketErrors: UInt64 = 0
  /// Dropped by the kernel before they could be read, nearly always because the socket's buffer was full.
  package var kernelDrops: UInt64 = 0
  /// Times the socket was lost, or neither heard nor sent, and was opened again.
  package var reopened: UInt64 = 0

  package init() {}
}

/// The counters, shared between the event loop and whoever reads them.
final class CounterBox: Sendable {
  private let counters = Mutex(TransportCounters())

  var values: TransportCounters { counters.withLock { $0 } }

  func count(_ counter: any WritableKeyPath<TransportCounters, UInt64> & Sendable) {
    counters.withLock { $0[keyPath: counter] &+= 1 }
  }

  func add(kernelDrops: UInt64) { counters.withLock { $0.kernelDrops &+= kernelDrops } }
}
