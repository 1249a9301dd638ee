import CoreTime
import OrderWire
import Synchronization

/// Which steps are on their way to the disk, and whether steps are taken at all. Seen from the actor and from
/// the writer's thread: a failure must stop the next step before the actor has heard of it.
final class Desk: Sendable {
  private struct State {
    var inFlight = 0
    var failure: ServiceError?
    var isClosed = false
    /// When a step last came back from the disk, or the first one went there.
    var progress: Instant = .zero
    /// A standstill that is over and that nobody has asked about.
    var standstill: Range<Instant>?
  }

  /// From how long without a word from the disk it counts as standing still.
  static let patience: Duration = .milliseconds(500)

  /// Most steps on their way; below the store's own bound, so that it never has to refuse one.
  static let maximumInFlight = 4_096

  private let state = Mutex(State())

  /// Throws what keeps a call from being taken now. `writes`: whether it has anything for the disk.
  func admit(writes: Bool) throws {
    try state.withLock { state in
      if state.isClosed {
        throw ServiceError(.stopping, "the order queue is stopping", retryAfter: .seconds(1))
      }
      if let failure = state.failure { throw failure }
      if writes, state.inFlight >= Self.maximumInFlight {
        throw ServiceError(.overloaded, "too many changes wait for the disk", retryAfter: .seconds(1))
      }
    }
  }

  var inFlight: Int { state.withLock { $0.inFlight } }
  var failure: ServiceError? { state.withLock { $0.failure } }
  var isOpen: Bool { state.withLock { !$0.isClosed && $0.failure == nil } }
  var isIdle: Bool { state.withLock { $0.inFlight == 0 } }
  var isCrowded: Bool { state.withLock { $0.inFlight >= Self.maximumInFlight } }

  /// When the disk stood still, up to `now` while it does; told once when it is over.
  func standstill(at now: Instant) -> Range<Instant>? {
    state.withLock { state in
      if state.inFlight > 0, now - state.progress > Self.patience { return state.progress..<now }
      defer { state.standstill = nil }
      return state.standstill
    }
  }

  func begin(at now: Instant) {
    state.withLock { state in
      if state.inFlight == 0 { state.progress = now }
      state.inFlight += 1
    }
  }

  /// A step is over. True when somebody may be waiting for the last one.
  func end(_ failure: ServiceError?, at now: Instant) -> Bool {
    state.withLock { state in
      state.inFlight -= 1
      if now - state.progress > Self.patience { state.standstill = state.progress..<now }
      state.progress = now
      if let failure, state.failure == nil { state.failure = failure }
      return state.inFlight == 0 && (state.failure != nil || state.isClosed)
    }
  }

  /// The store failed outside of a step.
  func fail(_ failure: ServiceError) {
    state.withLock { state in
      if state.failure == nil { state.failure = failure }
    }
  }

  func reopen() { state.withLock { $0.failure = nil } }
  func close() { state.withLock { $0.isClosed = true } }
}
