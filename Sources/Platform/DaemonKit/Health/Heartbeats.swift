import CoreTime
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The loops of a process that must keep turning. One predicate for the watchdog, `/live` and the health service.
package final class Heartbeats: Sendable {
  private enum Phase {
    /// It must beat. Can turn into `idle`, `retired`.
    case turning
    /// It has nothing to do. Can turn into `turning`, `retired`.
    case idle
    /// It has ended on purpose.
    case retired
  }

  private struct Loop {
    let name: String
    let longestSilence: Duration
    var last: Instant
    var phase: Phase
    var isWedged = false
    /// It has come round and is held up.
    var isHeldUp = false
  }

  private let clocks: Clocks
  private let loops = Mutex<[Loop]>([])

  package init(clocks: Clocks) { self.clocks = clocks }

  /// Watches a new loop from now on, or, where it is `idle`, from its first beat. `longestSilence`: how long it
  /// may take from one beat to the next.
  package func register(_ name: String, longestSilence: Duration, idle: Bool = false) -> Heartbeat {
    let now = clocks.now()
    return loops.withLock { loops in
      loops.append(
        Loop(name: name, longestSilence: longestSilence, last: now, phase: idle ? .idle : .turning))
      return Heartbeat(heartbeats: self, index: loops.count - 1)
    }
  }

  /// Names of the loops that have been silent for too long, e.g. `store-writer (silent for 12s)`.
  package func stalled() -> [String] {
    let now = clocks.now()
    return loops.withLock { loops in
      loops.filter { $0.phase == .turning && now - $0.last > $0.longestSilence }
        .map { "\($0.name) (silent for \((now - $0.last).components.seconds)s)" }
    }
  }

  // MARK: For tests of the watchdog

  /// Names of the loops that have not ended.
  package var names: [String] {
    loops.withLock { loops in loops.filter { $0.phase != .retired }.map(\.name) }
  }

  /// Holds the loop of that name up when it comes round next, for good. False when there is none.
  package func wedge(_ name: String) -> Bool { setWedged(name, true) }

  /// Lets the loop go on.
  package func release(_ name: String) { _ = setWedged(name, false) }

  /// Whether the loop has come round since and is held up.
  package func isHeldUp(_ name: String) -> Bool {
    loops.withLock { loops in loops.contains { $0.name == name && $0.isHeldUp } }
  }

  /// Whether the loop has said that it has nothing to do.
  package func isIdle(_ name: String) -> Bool {
    loops.withLock { loops in loops.contains { $0.name == name && $0.phase == .idle } }
  }

  private func setWedged(_ name: String, _ isWedged: Bool) -> Bool {
    loops.withLock { loops in
      guard let index = loops.lastIndex(where: { $0.name == name && $0.phase != .retired }) else {
        return false
      }
      loops[index].isWedged = isWedged
      loops[index].isHeldUp = false
      return true
    }
  }

  // MARK: The loops'

  /// Whether it may go on.
  fileprivate func beat(_ index: Int) -> Bool {
    let now = clocks.now()
    return loops.withLock { loops in
      guard loops[index].phase != .retired else { return true }
      // A loop that is held up has work from now on, too.
      if !loops[index].isWedged || loops[index].phase == .idle { loops[index].last = now }
      loops[index].phase = .turning
      loops[index].isHeldUp = loops[index].isWedged
      return !loops[index].isWedged
    }
  }

  fileprivate func isWedged(_ index: Int) -> Bool { loops.withLock { $0[index].isWedged } }

  fileprivate func become(_ index: Int, idle: Bool) {
    loops.withLock { loops in
      if loops[index].phase != .retired { loops[index].phase = idle ? .idle : .retired }
    }
  }
}

/// One loop's right to say that it turns.
package struct Heartbeat: Sendable {
  fileprivate let heartbeats: Heartbeats
  fileprivate let index: Int

  /// The loop has come round. For loops with a thread of their own, which is held up here where a test of the watchdog
  /// wants it.
  package func beat() {
    guard !heartbeats.beat(index) else { return }
    while heartbeats.isWedged(index) {
      usleep(50_000)
    }
  }

  /// The loop has come round. For tasks: where it is to be held up, the task is, and not the thread that it shares.
  package func turn() async {
    guard !heartbeats.beat(index) else { return }
    while heartbeats.isWedged(index), !Task.isCancelled {
      // Ends early only by cancellation, which the condition sees.
      try? await Task.sleep(for: .milliseconds(50))
    }
  }

  /// The loop has come round. False: it is to behave as if it did not. For actors, which can neither block nor wait.
  package func beatUnlessWedged() -> Bool { heartbeats.beat(index) }

  /// The loop waits for work; how long that takes is up to others.
  package func idle() { heartbeats.become(index, idle: true) }

  /// The loop has ended on purpose.
  package func retire() { heartbeats.become(index, idle: false) }
}
