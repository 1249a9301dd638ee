import Synchronization

/// What waits to be sent on a stream; what gathers while a message is written travels in the next.
final class BenchOutbox<Element: Sendable>: Sendable {
  /// Elements in one message; the queue takes no more.
  private static var batch: Int { 256 }

  private let waiting = Mutex<[Element]>([])
  private let wakes: AsyncStream<Void>
  private let wake: AsyncStream<Void>.Continuation

  init() { (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  func append(_ elements: [Element]) {
    waiting.withLock { $0 += elements }
    wake.yield()
  }

  /// Sends until `finish`, or until `write` throws.
  func send(_ write: ([Element]) async throws -> Void) async throws {
    for await _ in wakes {
      while case let batch = takeBatch(), !batch.isEmpty { try await write(batch) }
    }
  }

  /// Ends `send` once everything is sent.
  func finish() { wake.finish() }

  private func takeBatch() -> [Element] {
    waiting.withLock { waiting in
      let batch = Array(waiting.prefix(Self.batch))
      waiting.removeFirst(batch.count)
      return batch
    }
  }
}
