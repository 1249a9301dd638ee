import BullyElection
import CoreTime
import LeaderWork

typealias Work = LeaderWork<Int>

/// What can happen in the world.
enum Event {
  /// Waits while the process is stopped, and is lost when it is not the same process any more.
  case node(Int, life: Int, NodeEvent)
  /// Waits while the queue's process is stopped.
  case queue(QueueEvent)
  /// An effect reaches the fulfilment target, whatever has become of its sender.
  case effect(node: Int, life: Int, run: Int, SimNode.Run)
  case outbox(order: Int)
  case acknowledged(order: Int)
  case cancel(order: Int)
  case fault(Fault)
  case boot(Int)
  case resume(Int, pause: Int)
  case healed(Int)
  /// One side of a connection gives up on a peer that is silent.
  case gaveUp(connection: Int, client: Bool, outage: Int)
  case queueBoots
  case queueResumes
  case quiet
}

enum NodeEvent {
  case datagram(ElectionMessage)
  case electionTimer(Int)
  case workTimer(Int)
  case answered(call: UInt64, CallAnswer)
  case probe
  case reply(connection: Int, StreamReply)
  case closed(connection: Int)
  /// An execution has come to the point where it sends its effect.
  case act(run: Int)
  case acted(run: Int, accepted: Bool)
  case fulfilment(fails: Bool)
  case stop
}

enum CallRequest {
  case claim(term: UInt64)
  case resign(epoch: UInt64)
  case probe
}

enum CallAnswer {
  case claimed(Work.ClaimAnswer)
  case resigned
  case serving
  case failed
}

enum StreamRequest {
  /// With all that the executor still has.
  case open(held: Set<Int>)
  case command(Work.Command)
  case end
}

enum StreamReply {
  case deliveries([WorkDelivery<Int>])
  case settled(Int, Work.SettleAnswer)
  case renewed(Duration)
  case fenced(current: UInt64, holder: Int?)
  case end
}

enum QueueEvent {
  case call(node: Int, life: Int, call: UInt64, CallRequest, executor: Int, incarnation: UInt64)
  case stream(connection: Int, StreamRequest)
  case enqueue(order: Int)
  case cancel(order: Int)
  case timer(Int)
  case committed(life: Int)
}

/// A work stream's connection: messages arrive in order or not at all.
struct Connection {
  var node: Int
  var life: Int
  /// The machine's number.
  var stream: UInt64
  var epoch: UInt64
  var executor: Int
  var incarnation: UInt64
  var isClientOpen = true
  /// The queue has accepted the epoch and not ended it.
  var isLinked = false
  var isServerDone = false
  var credits = 0
  var lastUp: WorldTime = 0
  var lastDown: WorldTime = 0
  /// What waits for the network, to be sent again by TCP.
  var heldUp: [StreamRequest] = []
  var heldDown: [StreamReply] = []
}
