@preconcurrency import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Ends a child of `ordersd up` when its supervisor is gone, however it went.
///
/// Standard input is a pipe that the supervisor holds open and never writes to, so its end is the supervisor's end.
/// PR_SET_PDEATHSIG (prctl(2)) would do as much, but it fires when the *thread* that forked ends, and no hook runs
/// between fork and exec in swift-subprocess.
enum Lifeline {
  /// From SIGTERM to the end, when the graceful stop hangs.
  private static let patience: DispatchTimeInterval = .seconds(6)

  static func watchStandardInput() {
    let source = DispatchSource.makeReadSource(fileDescriptor: 0, queue: .global())
    source.setEventHandler {
      var byte: UInt8 = 0
      guard read(0, &byte, 1) <= 0 else { return }
      source.cancel()
      kill(getpid(), SIGTERM)
      DispatchQueue.global().asyncAfter(deadline: .now() + patience) { _exit(1) }
    }
    source.resume()
  }
}
