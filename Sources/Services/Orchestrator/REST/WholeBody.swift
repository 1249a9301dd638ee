import CoreTime
import DaemonKit
import GRPCSupport
import Hummingbird
import NIOCore
import OrderWire
import ServiceLifecycle
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RESTAPI {
  /// From the head of a request to the end of its body.
  static let bodyDeadline = Duration.seconds(10)

  /// The whole body; no larger than `limit` bytes, and within `bodyDeadline`. Throws `body_too_large`,
  /// `request_timeout`, `overloaded`, and `stopping` when the daemon does not wait for the rest.
  func body(of request: Request, upTo limit: Int) async throws -> Data {
    let body = request.body
    let reading = Reading()
    // Weak: most bodies are there long before, and are not kept for it.
    let end = intake.context.clocks.now() + Self.bodyDeadline
    let isSet = intake.runner.alarms.ring(at: end, upTo: Alarms.share) { [weak reading] in
      reading?.giveUp(
        ServiceError(
          .requestTimeout, "the body did not arrive within \(Self.bodyDeadline); send it at once"))
    }
    guard isSet else {
      throw ServiceError(.overloaded, "too many requests have come in a moment", retryAfter: .seconds(1))
    }
    let whole = try await withGracefulShutdownHandler {
      try await withThrowingTaskGroup(of: Result<ByteBuffer, any Error>.self) { group in
        group.addTask { await reading.run { try await body.collect(upTo: limit) } }
        return try await group.next()
      }
    } onGracefulShutdown: {
      reading.giveUp(ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2)))
    }
    // What was cut off may look whole.
    if let reason = reading.reason { throw reason }
    do {
      guard let whole else { throw CancellationError() }
      return Data(try whole.get().readableBytesView)
    } catch is NIOTooManyBytesError {
      throw ServiceError(.bodyTooLarge, "the body is too large; at most \(limit) bytes are taken")
    }
  }
}

/// One body on its way in, which others can give up. Cheaper than a second task with a timer for each request.
private final class Reading: Sendable {
  /// Used under the lock alone, and let go of before the task ends; to cancel it is safe from any thread.
  private struct Handle: @unchecked Sendable {
    let task: UnsafeCurrentTask
  }

  private struct State {
    /// While it is being read.
    var handle: Handle?
    var reason: ServiceError?
  }

  private let state = Mutex(State())

  /// Why it was given up; nil when it was not.
  var reason: ServiceError? { state.withLock { $0.reason } }

  func run(_ read: () async throws -> ByteBuffer) async -> Result<ByteBuffer, any Error> {
    withUnsafeCurrentTask { current in
      let handle = current.map(Handle.init)
      state.withLock { state in
        state.handle = handle
        if state.reason != nil { handle?.task.cancel() }
      }
    }
    defer { state.withLock { $0.handle = nil } }
    do { return .success(try await read()) } catch { return .failure(error) }
  }

  func giveUp(_ reason: ServiceError) {
    state.withLock { state in
      state.reason = state.reason ?? reason
      state.handle?.task.cancel()
    }
  }
}
