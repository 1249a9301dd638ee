#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How the kernel shares the processor out (sched(7)).
package enum SchedulingPolicy {
  /// `SCHED_BATCH` of linux/sched.h, which the C library names for `_GNU_SOURCE` alone.
  private static let schedBatch: Int32 = 3

  /// Makes this process, and those that it starts from now on, wait for their turn when they are woken up, in place of
  /// interrupting each other (`SCHED_BATCH`, which needs no privilege). A role that is woken by each message of
  /// another one handles it alone; one that comes to its turn finds several (ADR 0029).
  ///
  /// Before other threads are started: it holds for the calling thread and its children. False when the kernel or a
  /// filter of system calls refuses it; then everything goes on as before.
  @discardableResult
  package static func useBatch() -> Bool {
    var parameter = sched_param()
    return sched_setscheduler(0, schedBatch, &parameter) == 0
  }
}
