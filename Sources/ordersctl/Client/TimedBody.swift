import AsyncHTTPClient
import NIOCore

/// The body of an answer, up to a point in time: the time-out of the HTTP client itself ends with the head.
struct TimedBody: AsyncSequence, Sendable {
  let body: HTTPClientResponse.Body
  let deadline: ContinuousClock.Instant

  func makeAsyncIterator() -> Iterator {
    Iterator(holder: Iterator.Holder(body.makeAsyncIterator()), deadline: deadline)
  }

  struct Iterator: AsyncIteratorProtocol {
    /// The body has one reader, and this one has one caller: the iterator is never used by two at once.
    fileprivate final class Holder: @unchecked Sendable {
      var iterator: HTTPClientResponse.Body.AsyncIterator
      init(_ iterator: HTTPClientResponse.Body.AsyncIterator) { self.iterator = iterator }
    }

    fileprivate let holder: Holder
    fileprivate let deadline: ContinuousClock.Instant

    /// Throws `HTTPClientError.deadlineExceeded`.
    mutating func next() async throws -> ByteBuffer? {
      let (holder, deadline) = (holder, deadline)
      return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await holder.iterator.next() }
        group.addTask {
          try await Task.sleep(until: deadline, clock: .continuous)
          throw HTTPClientError.deadlineExceeded
        }
        guard let piece = try await group.next() else { return nil }
        return piece
      }
    }
  }
}
