import BullyElection
import CoreTime
import LeaderWork
import PriorityQueue

/// What is guaranteed, checked after every step.
///
/// - Epochs that were told to somebody grow strictly, and each is told to one process only.
/// - The queue does nothing (lease, renewal, ack, return) for an epoch that is not the current one.
/// - Who believes that it may act leads in its own election and is within the lease that the queue keeps for
///   its epoch; so nobody is let in *because a lease ran out* or *after a resignation* while the former
///   leader still acts. Three grants are by design while it may: to a higher id (preemption), after the end
///   of the leader's stream (it may be the first to be seen), and to the next life of the same executor. For
///   these the fence is what counts: nothing that the former leader says is taken any more. Its effects may
///   still reach the fulfilment target; one that honours the idempotency key applies one of them, one that
///   also honours the fencing token applies none that is older than the newest.
/// - What the queue has told anybody (an enqueue acknowledged, an ack confirmed, an order handed out) is on
///   disk and stays there.
/// - An acked order was carried out under the epoch of the ack, by the process that acks.
/// - A doubled datagram changes nothing.
/// - Every order ends once. In the end the highest live eligible id leads with an effective epoch, everybody
///   names it, and all orders are over. While the datagrams pass and somebody reaches the queue, the lane is
///   not without an effective leader for long.
extension Simulation {
  private static let longestStall: WorldTime = 12_000_000_000
  /// New datagrams of a present life that a former one may cost.
  private static let doubts = 8
  private static let settledFor: WorldTime = 1_500_000_000

  func believesToLead(_ index: Int) -> Bool {
    nodes[index].isUp && nodes[index].work.mayAct(at: workNow(index))
  }

  func checkTrust(of index: Int) {
    guard believesToLead(index), let epoch = nodes[index].work.epoch else { return }
    if nodes[index].election.role != .leading {
      violate("\(nodes[index].id) acts under epoch \(epoch) although its election does not lead")
    }
    let time = queue.clock.monotonic(now)
    guard let until = oracle.leaseUntil[epoch], time < until else {
      return violate("\(nodes[index].id) trusts epoch \(epoch) beyond the lease that the queue keeps")
    }
  }

  func checkGrant(_ epoch: UInt64, _ executor: Int, _ incarnation: UInt64, until: Instant) {
    let time = queue.clock.monotonic(now)
    if epoch <= oracle.epoch { violate("epoch \(epoch) was granted after epoch \(oracle.epoch)") }
    let isLive = oracle.isLive(time)
    if isLive, executor < oracle.executor {
      violate("epoch \(epoch) went to \(executor) while \(oracle.executor) is live")
    }
    checkFormerLeaders(epoch, isByDesign: isLive || oracle.standing == .closed)
    oracle.granted(epoch, executor, incarnation, until: until)
    oracle.holder = index(of: UInt16(clamping: executor))
  }

  private func checkFormerLeaders(_ epoch: UInt64, isByDesign: Bool) {
    let believers = nodes.indices.filter { believesToLead($0) }
    for index in believers { checkTrust(of: index) }
    guard !isByDesign else { return }
    let former = oracle.epoch
    for node in believers.map({ nodes[$0] }) where node.work.epoch == former {
      violate("epoch \(epoch) was granted while \(node.id) still trusts \(former)")
    }
  }

  /// The answer leaves the queue.
  func checkTold(_ epoch: UInt64, _ node: Int, _ life: Int) {
    if let holder = oracle.told[epoch] {
      if holder != (node, life) { violate("epoch \(epoch) was told to two processes") }
      return
    }
    if epoch <= oracle.highestTold { violate("epoch \(epoch) was told after \(oracle.highestTold)") }
    oracle.highestTold = max(epoch, oracle.highestTold)
    oracle.told[epoch] = (node, life)
  }

  func checkCurrent(_ what: String, _ epoch: UInt64) {
    if epoch != oracle.epoch {
      violate("\(what) was taken under epoch \(epoch), the current one is \(oracle.epoch)")
    }
  }

  func checkBegin(_ index: Int, _ delivery: WorkDelivery<Int>, _ epoch: UInt64) {
    let node = nodes[index]
    if !believesToLead(index) || node.work.epoch != epoch {
      violate("\(node.id) began order \(delivery.order) without trusting epoch \(epoch)")
    }
    checkTrust(of: index)
    let isTwice = node.runs.values.contains {
      $0.order == delivery.order && $0.epoch == epoch && !$0.isCancelled
    }
    if isTwice { violate("\(node.id) began order \(delivery.order) while it was carrying it out") }
    // Leases outlast every break of a stream here: nothing but a mistake hands out again what was done.
    if node.finished.contains(SimNode.FinishedRun(order: delivery.order, epoch: epoch)) {
      violate("\(node.id) began order \(delivery.order) again, which it had carried out under epoch \(epoch)")
    }
  }

  func checkAck(_ command: Work.Command, _ stream: UInt64, _ index: Int) {
    guard let connection = nodes[index].streams[stream] else { return }
    let epoch = connections[connection].epoch
    let isKnown: Bool
    switch command {
    case .ack(let order, _):
      isKnown = nodes[index].finished.contains(SimNode.FinishedRun(order: order, epoch: epoch))
    case .nack(let order, _), .bury(let order, _):
      isKnown = nodes[index].ended.contains(SimNode.FinishedRun(order: order, epoch: epoch))
    case .credits, .handBack, .touch, .renew: isKnown = true
    }
    if !isKnown { violate("\(nodes[index].id) reports what it did not do under epoch \(epoch): \(command)") }
  }

  func checkEffect(_ order: Int) {
    if sink.applied[order] == nil { violate("order \(order) was acked and never carried out") }
  }

  func checkAcknowledged(_ order: Int) {
    if queue.store.jobs[order] == nil { violate("order \(order) was acknowledged and is not on disk") }
  }

  func checkConfirmed(_ order: Int) {
    if queue.store.jobs[order]?.state != .done {
      violate("the ack of order \(order) was confirmed and is not on disk")
    }
  }

  func checkDelivered(_ deliveries: [WorkDelivery<Int>], _ connection: Int) {
    let epoch = connections[connection].epoch
    for delivery in deliveries {
      let lease = DurableStore.Lease(id: delivery.order, epoch: epoch, attempt: delivery.attempt)
      if !queue.store.leases.contains(lease) {
        violate("order \(delivery.order) was handed out before its lease was on disk")
      }
    }
  }

  func checkQueue() {
    guard let machine = queue.machine else { return }
    if let problem = machine.invariantViolations().first { violate("queue: \(problem)") }
  }

  /// After a restart of the queue.
  func checkDisk() {
    for order in oracle.acknowledged where queue.store.jobs[order] == nil {
      violate("order \(order) was acknowledged and is lost")
    }
    for order in oracle.confirmed where queue.store.jobs[order]?.state != .done {
      violate("the ack of order \(order) was confirmed and is lost")
    }
  }

  /// A datagram that is newer than all others of a peer's present life must have been taken in, which shows
  /// by the term. When a former life is heard for the first time after the present one, nothing tells which is
  /// the later: then the present one must be heard a few times more.
  func checkHeard(_ message: ElectionMessage, _ key: SimNode.DatagramKey, _ index: Int) {
    guard let sender = self.index(of: message.sender.rawValue) else { return }
    let newest = nodes[index].newest[message.sender]
    guard key.incarnation == nodes[sender].incarnation else {
      if newest?.incarnation == nodes[sender].incarnation {
        nodes[index].doubts[message.sender] = Self.doubts
      }
      return
    }
    if let newest, newest.incarnation == key.incarnation, newest.sequence >= key.sequence { return }
    nodes[index].newest[message.sender] = key
    guard nodes[index].isUp else { return }
    if let doubts = nodes[index].doubts[message.sender], doubts > 0 {
      return nodes[index].doubts[message.sender] = doubts - 1
    }
    let election = nodes[index].election
    if election.role != .idle, election.role != .stopped, election.highestTerm < message.term {
      violate("\(nodes[index].id) did not hear \(describe(message)) of \(message.sender)")
    }
  }

  // MARK: Progress

  func checkStall() {
    if let holder = oracle.holder, nodes[holder].work.epoch == oracle.epoch, believesToLead(holder) {
      return stalledSince = nil
    }
    let canLead = nodes.contains {
      $0.isUp && !$0.isPaused && !$0.isStopping && !$0.fulfilmentFails && now >= $0.upCutUntil
        && now >= $0.downCutUntil
    }
    let isGood =
      canLead && queue.machine != nil && !queue.isPaused && now >= queue.slowUntil && network.isWhole(now)
    guard isGood else { return stalledSince = nil }
    let since = stalledSince ?? now
    stalledSince = since
    if now - since > Self.longestStall {
      violate("nobody has led effectively for \(seconds(now - since)) s although somebody could")
    }
  }

  func isSettledForGood() -> Bool {
    guard isSettled else {
      settledSince = nil
      return false
    }
    let since = settledSince ?? now
    settledSince = since
    return now - since >= Self.settledFor
  }

  /// The highest live id leads effectively (with `preempt: never` any), all name it, all orders are over.
  var isSettled: Bool {
    guard unsettled == 0, queue.machine != nil else { return false }
    let live = nodes.indices.filter { nodes[$0].isUp }
    guard let highest = live.last else { return false }
    let holder = nodes.firstIndex { $0.work.epoch == oracle.epoch }
    let leader = profile.election.preempt == .never ? holder : highest
    guard let leader, believesToLead(leader), nodes[leader].work.epoch == oracle.epoch else { return false }
    return live.allSatisfy { index in
      let view = nodes[index].election.leader
      return view?.id == nodes[leader].name && view?.epoch == oracle.epoch
    }
  }

  func unsettledReport() -> String {
    let views = nodes.filter(\.isUp).map { node in
      let view = node.election.leader.map { "\($0.id)/\($0.epoch)" } ?? "nobody"
      return "\(node.id) is \(node.election.role.rawValue) and names \(view)"
        + (node.isEligible ? "" : " (ineligible)")
    }
    return "not in order \(profile.settleWithin.millisecondsClamped) ms after the last fault: "
      + "\(unsettled) orders open, epoch \(oracle.epoch) of \(oracle.executor); "
      + views.joined(separator: "; ")
  }

  func checkOutcome() {
    checkDisk()
    checkQueue()
    var ends: [Int: Int] = [:]
    for (order, _) in queue.store.finished { ends[order, default: 0] += 1 }
    for order in orders.keys.sorted() {
      guard let job = queue.store.jobs[order] else {
        violate("order \(order) is nowhere")
        continue
      }
      let expected = job.state == .buried ? 0 : 1
      let count = ends[order, default: 0]
      if count != expected { violate("order \(order) ended \(count) times") }
      let applied = sink.applied[order, default: 0]
      if job.state == .done, applied < 1 { violate("order \(order) is done and was never carried out") }
      if sink.kind != .plain, applied > 1 { violate("order \(order) was carried out \(applied) times") }
    }
  }
}
