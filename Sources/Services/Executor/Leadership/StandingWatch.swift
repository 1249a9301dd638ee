import BullyElection
import CoreTime
import DaemonKit
import LeaderWork

/// The heartbeat `lease`: missing when this executor has long acted without a right to, because something that
/// should have ended it hangs. Then the watchdog ends the process (docs/adr/0025-a-leader-without-a-lease.md).
struct StandingWatch {
  /// More than the trust window's end takes to reach everything: a command has 0.5 s from SIGTERM to SIGKILL.
  static let longestWithoutRight = Duration.seconds(10)
  private static let period = Duration.seconds(1)

  let election: ElectionShell
  let work: WorkLoop
  let heartbeats: Heartbeats

  func run() async {
    let heartbeat = heartbeats.register("lease", longestSilence: Self.longestWithoutRight, idle: true)
    defer { heartbeat.retire() }
    var wasUnbacked = false
    while !Task.isCancelled {
      let leader = await election.view().leader
      let led = leader.flatMap { $0.isSelf && $0.epoch > 0 ? $0.epoch : nil }
      let standing = await work.standing(led: led)
      switch standing {
      case .atRest: heartbeat.idle()
      case .backed: await heartbeat.turn()
      // From here its time runs, also when it was at rest the last time.
      case .unbacked: if !wasUnbacked { await heartbeat.turn() }
      }
      wasUnbacked = standing == .unbacked
      // Ends early only by cancellation, which the loop's condition sees.
      try? await Task.sleep(for: Self.period)
    }
  }
}
