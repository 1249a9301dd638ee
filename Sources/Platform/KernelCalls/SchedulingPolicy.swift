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
  /// A policy belongs to a thread, and what a thread starts inherits it: so all threads there are get it, also those
  /// that are started meanwhile. False when the kernel or a filter of system calls refuses it; then everything goes on
  /// as before.
  @discardableResult
  package static func useBatch() -> Bool {
    var done: Set<pid_t> = []
    while true {
      let threads = threads().subtracting(done)
      if threads.isEmpty { return true }
      for thread in threads {
        var parameter = sched_param()
        guard sched_setscheduler(thread, schedBatch, &parameter) == 0 || errno == ESRCH else { return false }
      }
      done.formUnion(threads)
    }
  }

  /// Those of this process (proc_pid_task(5)); the calling one where they cannot be listed.
  private static func threads() -> Set<pid_t> {
    guard let folder = opendir("/proc/self/task") else { return [0] }
    defer { closedir(folder) }
    var threads: Set<pid_t> = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let thread = pid_t(name) { threads.insert(thread) }
    }
    return threads
  }
}
