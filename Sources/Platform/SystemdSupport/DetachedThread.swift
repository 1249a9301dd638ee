#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A thread of its own, for what must not wait for a task, an event loop or a pool of threads.
package enum DetachedThread {
  private final class Body: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Runs `body` on a new thread, which ends with it. Returns 0, or the error of pthread_create(3).
  package static func start(_ body: @escaping @Sendable () -> Void) -> Int32 {
    let reference = Unmanaged.passRetained(Body(body))
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, reference.toOpaque())
    if result == 0 { pthread_detach(thread) } else { reference.release() }
    return result
  }
}
