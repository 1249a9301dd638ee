import BullyElection
import CoreTime
import DaemonKit
import MulticastTransport
import ServiceLifecycle

/// The running parts of one executor, started together and stopped in order.
struct ExecutorService: Service {
  /// Less than `Daemon.stopWithin`, as the server and the connection stop afterwards.
  private static let drainWithin = Duration.milliseconds(2_500)

  let election: ElectionShell
  let work: WorkLoop
  let eligibility: Eligibility
  let socket: MulticastSocket
  let heartbeats: Heartbeats

  func run() async throws {
    await withDiscardingTaskGroup { group in
      group.addTask { await election.run() }
      group.addTask { await work.run() }
      group.addTask { await eligibility.run() }
      group.addTask { await StandingWatch(election: election, work: work, heartbeats: heartbeats).run() }
      // Throws when the task is cancelled: then there is no time to be polite.
      try? await gracefulShutdown()
      if !Task.isCancelled {
        // First the queue, so that the successor's claim is granted at once; then the others may elect.
        await work.drain(within: Self.drainWithin, isFinal: true)
        await election.take(.stopRequested)
      }
      await socket.close()
      group.cancelAll()
    }
  }

  /// Hands the leadership over and stays out of elections. False when this executor was not leading.
  func stepDown(for pause: Duration, clocks: Clocks) async -> Bool {
    let wasLeading = await election.view().leader?.isSelf ?? false
    if wasLeading { await work.drain(within: Self.drainWithin, isFinal: false) }
    await eligibility.rest(until: clocks.now() + pause)
    return wasLeading
  }
}
