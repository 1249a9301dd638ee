import Dispatch

/// A thread for work that blocks on files, which must not hold up the one that serves the network (ADR 0023).
/// One piece of work at a time, in the order of the calls.
package struct FileThread: Sendable {
  private let queue: DispatchQueue

  /// `label`: for debuggers.
  package init(_ label: String) { queue = DispatchQueue(label: label) }

  /// Returns, or throws, what `body` does.
  package func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: Result(catching: body)) }
    }
    return try result.get()
  }
}
