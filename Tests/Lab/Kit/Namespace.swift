import Foundation
import Synchronization

@_silgen_name("setns")
private func setns(_ descriptor: Int32, _ type: Int32) -> Int32

private let cloneNewNet: Int32 = 0x4000_0000

/// Work on a thread of its own: the lab blocks, which the threads of Swift's concurrency must not.
final class Worker<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  /// `namespace`: the sockets and devices that `body` opens are in it.
  init(in namespace: String? = nil, _ body: @escaping @Sendable () throws -> Value) {
    let thread = Thread { [self] in
      let outcome = Result {
        if let namespace { try Self.enter(namespace) }
        return try body()
      }
      result.withLock { $0 = outcome }
      done.signal()
    }
    thread.start()
  }

  /// Waits for its end.
  func value() throws -> Value {
    done.wait()
    done.signal()
    guard let outcome = result.withLock({ $0 }) else { throw LabError("a worker ended without a result") }
    return try outcome.get()
  }

  /// Of this thread alone.
  private static func enter(_ namespace: String) throws {
    let descriptor = open("/var/run/netns/\(namespace)", O_RDONLY | O_CLOEXEC)
    defer { close(descriptor) }
    guard descriptor >= 0, setns(descriptor, cloneNewNet) == 0 else {
      throw LabError("cannot enter \(namespace): \(String(cString: strerror(errno)))")
    }
  }
}

/// The same for a test, which is asynchronous.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result { try body() }) }
    thread.start()
  }
}

/// Set once, seen by all.
final class Flag: Sendable {
  private let value = Mutex(false)

  var isSet: Bool { value.withLock { $0 } }
  func set() { value.withLock { $0 = true } }
}
