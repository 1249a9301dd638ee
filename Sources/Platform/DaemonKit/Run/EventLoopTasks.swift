import NIOCore
package import NIOPosix

/// Runs tasks on the event loops that do the process's input and output (ADR 0023).
///
/// A message that arrives is handled by the thread that read it, and its answer is written by the same one: without
/// this each crosses to a thread of the concurrency pool and back. A task that another thread resumes goes to one of
/// the loops in turn. Whoever blocks or computes for long holds up a loop, which the watchdog sees
/// (`EventLoopHeartbeats`).
package final class EventLoopTasks: TaskExecutor {
  private let group: MultiThreadedEventLoopGroup

  package init(group: MultiThreadedEventLoopGroup) { self.group = group }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // On a thread of the group this is the caller's own loop.
    group.any().execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
