import Dispatch

/// A thread for work that blocks on files, which must not hold up the one that serves the network (ADR 0023).
/// One piece of work at a time, in the order of the calls.
package struct FileThread: Sendable {
  private let queue: DispatchQueue

  /// `label`: for debuggers.
  package init(_ label: String) { queue = DispatchQueue(label: label) }

  /// Returns, or throws, what `body` does.
  package func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try body() }) }
    }
  }

  package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
  }
}
