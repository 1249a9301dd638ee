#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The clocks of the kernel (clock_gettime(2)).
///
/// A module of its own, below everything that imports NIO: `timespec` is in a header that no module map names, so
/// beside NIO's modules the compiler may take it for one of theirs, depending on which files it compiles together.
package enum KernelClock {
  /// Goes on while the machine sleeps (`CLOCK_BOOTTIME`).
  case sinceBoot
  /// Stands still while the machine sleeps; what systemd stamps its messages with (`CLOCK_MONOTONIC`).
  case monotonic
  /// Since 1970-01-01T00:00:00Z, and may jump (`CLOCK_REALTIME`).
  case wall

  /// What it shows now.
  package var nanoseconds: Int64 {
    var time = timespec()
    // Cannot fail for these clocks on Linux ≥ 2.6.39.
    let result = clock_gettime(id, &time)
    precondition(result == 0, "clock_gettime failed")
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private var id: clockid_t {
    switch self {
    case .sinceBoot: CLOCK_BOOTTIME
    case .monotonic: CLOCK_MONOTONIC
    case .wall: CLOCK_REALTIME
    }
  }
}
