import BullyElection
import CoreTime
import LeaderWork

/// One executor: the two machines, and a model of the shell around them.
struct SimNode {
  let name: NodeID
  var clock: NodeClock
  /// Counts process starts; events of another life are lost.
  var life = 0
  var incarnation: UInt64 = 0
  var isUp = false
  var pauses = 0
  var isPaused = false
  var pausedAt: WorldTime = 0
  /// How long its processes have been stopped altogether.
  var pausedFor: Duration = .zero
  var isStopping = false
  var restartAfter: Duration?
  var election: BullyElection
  var work: Work
  var electionTimer = 0
  var workTimer = 0
  var held: [NodeEvent] = []
  var nextCall: UInt64 = 0
  var calls: [UInt64: PendingCall] = [:]
  /// By the machine's number.
  var streams: [UInt64: Int] = [:]
  var runs: [Int: Run] = [:]
  /// Waits for the end of the runs under its epoch.
  var resignation: (call: UInt64, epoch: UInt64)?
  var finished: Set<FinishedRun> = []
  /// Finished or not.
  var ended: Set<FinishedRun> = []
  /// The newest datagram of each peer's present life.
  var newest: [NodeID: DatagramKey] = [:]
  /// Peers of which a former life was heard after the present one.
  var doubts: [NodeID: Int] = [:]
  var seen: Set<DatagramKey> = []

  // What the shell's eligibility checks know.
  var isReached = false
  var failedProbes = 0
  var distrustedUntil: WorldTime = 0
  var fulfilmentFails = false
  var isEligible = false

  // The connections to the queue.
  var upCutUntil: WorldTime = 0
  var downCutUntil: WorldTime = 0
  var outages = 0
  var heldCalls: [QueueEvent] = []

  /// What is still to be given to the machines, in order: an input that follows from an effect waits until
  /// all effects of its step are performed.
  var inbox: [Inbox] = []

  enum Inbox {
    case election(BullyElection.Input)
    case work(Work.Input)
    case datagram(ElectionMessage)
  }

  enum PendingCall {
    case claim(UInt64)
    case resign(UInt64)
    case probe
  }

  struct Run {
    var order: Int
    var epoch: UInt64
    var attempt: Int
    var isCancelled = false
  }

  struct FinishedRun: Hashable {
    var order: Int
    var epoch: UInt64
  }

  struct DatagramKey: Hashable {
    var sender: NodeID
    var incarnation: UInt64
    var sequence: UInt64
  }

  var id: UInt16 { name.rawValue }

  /// Runs, whether stopped or not.
  func isAlive(_ life: Int) -> Bool { isUp && self.life == life }
}
