import CoreTime
import PriorityQueue

/// The queue's process and its disk. Replies wait until what they tell is on disk; while one transaction
/// commits the next gathers.
struct QueueHost {
  let configuration: QueueConfiguration
  var clock = NodeClock()
  var store = DurableStore()
  /// Nil while the process is down.
  var machine: JobQueue?
  var life = 0
  var isPaused = false
  var pauses = 0
  var held: [QueueEvent] = []
  var timer = 0
  var committing: Batch?
  var gathering = Batch()
  var slowUntil: WorldTime = 0

  struct Batch {
    var changes: [JobQueue.Change] = []
    var replies: [Reply] = []
    var isEmpty: Bool { changes.isEmpty && replies.isEmpty }
  }

  enum Reply {
    case call(node: Int, life: Int, call: UInt64, CallAnswer)
    case stream(connection: Int, StreamReply)
    /// The stream's epoch is over.
    case fence(connection: Int, current: UInt64, holder: Int?)
    case enqueued(order: Int)
    case acked(connection: Int, order: Int)
  }

  init(_ configuration: QueueConfiguration) { self.configuration = configuration }

  func time(_ now: WorldTime) -> Now { Now(wall: clock.wall(now), monotonic: clock.monotonic(now)) }
}
