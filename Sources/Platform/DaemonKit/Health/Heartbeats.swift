import CoreTime
import Synchronization

/// The loops of a process that must keep turning. One predicate for the watchdog, `/live` and the health service.
package final class Heartbeats: Sendable {
  private struct Loop {
    let name: String
    let longestSilence: Duration
    var last: Instant
    var isWatched: Bool
  }

  private let clocks: Clocks
  private let loops = Mutex<[Loop]>([])

  package init(clocks: Clocks) { self.clocks = clocks }

  /// Watches a new loop from now on. `longestSilence`: how long it may take from one beat to the next.
  package func register(_ name: String, longestSilence: Duration) -> Heartbeat {
    let now = clocks.now()
    return loops.withLock { loops in
      loops.append(Loop(name: name, longestSilence: longestSilence, last: now, isWatched: true))
      return Heartbeat(heartbeats: self, index: loops.count - 1)
    }
  }

  /// Names of the loops that have been silent for too long, e.g. `store-writer (silent for 12s)`.
  package func stalled() -> [String] {
    let now = clocks.now()
    return loops.withLock { loops in
      loops.filter { $0.isWatched && now - $0.last > $0.longestSilence }
        .map { "\($0.name) (silent for \((now - $0.last).components.seconds)s)" }
    }
  }

  fileprivate func beat(_ index: Int) {
    let now = clocks.now()
    loops.withLock { $0[index].last = now }
  }

  fileprivate func retire(_ index: Int) { loops.withLock { $0[index].isWatched = false } }
}

/// One loop's right to say that it turns.
package struct Heartbeat: Sendable {
  fileprivate let heartbeats: Heartbeats
  fileprivate let index: Int

  /// The loop has come round.
  package func beat() { heartbeats.beat(index) }

  /// The loop has ended on purpose.
  package func retire() { heartbeats.retire(index) }
}
