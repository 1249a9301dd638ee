import CoreTime
import DaemonKit
import GRPCCore
import JournalLog
import Logging
import OrderWire
import PeerCalls
import ServiceLifecycle
import Synchronization

// The stream of a session: opened again and again, written by one task, read by another.
extension PeerSession {
  private static var shortestPause: Duration { .milliseconds(50) }
  private static var longestPause: Duration { .seconds(1) }
  /// What is left to answer after the stop began.
  private static var grace: Duration { .milliseconds(500) }

  package func run() async throws {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.keepConnected() }
      group.addTask {
        // Cancelled when the stream is over before.
        do {
          try await gracefulShutdown()
          self.stop()
          try await Task.sleep(for: Self.grace)
        } catch {}
      }
      await group.next()
      group.cancelAll()
    }
    let open = state.withLock { state in
      state.link = .over
      return state.table.disconnect()
    }
    fail(open, ServiceError(.stopping, "this process is stopping"))
  }

  private func stop() {
    let wake = state.withLock { state in
      state.link = .over
      return state.wake
    }
    wake?.yield()
  }

  private var isOver: Bool { state.withLock { $0.link == .over } }

  private func keepConnected() async {
    var pause = Self.shortestPause
    while !Task.isCancelled, !isOver {
      let (wakeUps, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
      state.withLock { $0.wake = wake }
      let reason: String
      do {
        try await wire.run(peer.client, { self.opened() }, { await self.next(wakeUps) }, { self.receive($0) })
        reason = "\(service) ended the stream"
      } catch let error as RPCError {
        reason = ServiceError(error, service: service).description
      } catch {
        reason = "\(error)"
      }
      if Task.isCancelled || isOver { return }
      if lost(reason) { pause = Self.shortestPause }
      // Half of it is jitter, so that many clients do not come back in step.
      do { try await Task.sleep(for: pause / 2 + pause / 2 * Double.random(in: 0...1)) } catch { return }
      pause = min(pause * 2, Self.longestPause)
    }
  }

  private func opened() {
    var change: Change?
    let wasDown = state.withLock { state in
      guard state.link != .over else { return false }
      defer { state.link = .up }
      let before = state.breaker.phase
      state.breaker.reconnected()
      change = Change(from: before, to: state.breaker.phase)
      return state.link == .down
    }
    tell(change)
    if wasDown { context.logger.tell(PeerEvent.connected, metadata: ["service": "\(service)"]) }
  }

  /// Whether the stream had been open.
  private func lost(_ reason: String) -> Bool {
    let now = context.clocks.now()
    var change: Change?
    let (open, wasUp, isNew) = state.withLock { state in
      let before = state.breaker.phase
      let open = state.table.disconnect()
      for call in open { state.breaker.failed(call.token.permit, now: now) }
      change = Change(from: before, to: state.breaker.phase)
      let link = state.link
      // What was open a moment ago is worth a wait; what could not be opened is not.
      state.link = link == .up ? .connecting : .down
      return (open, link == .up, link != .down)
    }
    if isNew {
      context.logger.tell(
        PeerEvent.streamLost,
        metadata: ["service": "\(service)", "calls": "\(open.count)", "reason": "\(reason)"])
    }
    tell(change)
    fail(
      open,
      ServiceError(
        .serviceUnavailable, "the stream to \(service) is lost", service: service, retryAfter: .seconds(1)))
    return wasUp
  }

  /// What goes out next; waits for something. Nil ends the stream: it is given up, or everything is answered for good.
  private func next(_ wakeUps: AsyncStream<Void>) async -> [SessionWire<Call, Answer>.Outgoing]? {
    while !Task.isCancelled {
      let (batch, isDone) = state.withLock { state in
        let batch = state.table.takeBatch(atMost: wire.batch, bytes: MessageSize.limit)
        return (batch, batch.isEmpty && state.link == .over && state.table.isEmpty)
      }
      if !batch.isEmpty {
        let now = context.clocks.now()
        return batch.map { ($0.id, $0.message, $0.deadline.map { $0 - now }) }
      }
      if isDone { return nil }
      guard await wakeUps.first(where: { true }) != nil else { return nil }
    }
    return nil
  }
}
