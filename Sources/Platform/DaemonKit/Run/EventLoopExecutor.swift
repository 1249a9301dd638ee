package import NIOCore

/// Runs tasks, and the actors that they call, on an event loop's own thread.
///
/// A message from the network is then decoded, judged and answered on the thread that read it. Each change of
/// threads costs a wake-up, which on a small machine is more than the work itself.
package final class EventLoopExecutor: TaskExecutor {
  private let loop: any EventLoop

  package init(_ loop: any EventLoop) { self.loop = loop }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
