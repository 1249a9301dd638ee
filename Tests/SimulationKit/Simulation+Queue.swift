import CoreTime
import LeaderWork
import PriorityQueue

let lane = "main"

/// The queue's process: the machine, group commit, and work streams.
extension Simulation {
  func bootQueue() {
    guard queue.machine == nil else { return }
    queue.life += 1
    queue.isPaused = false
    queue.held = []
    queue.committing = nil
    queue.gathering = QueueHost.Batch()
    let time = queue.time(now)
    let step = JobQueue.restore(queue.store.snapshot, configuration: queue.configuration, now: time)
    queue.machine = step.answer
    trace(.queue) { "the queue starts" }
    oracle.restored(queue.store.leadership[lane], until: time.monotonic + queue.configuration.leadershipLease)
    checkDisk()
    write(step.changes)
    checkQueue()
    armQueue()
  }

  func take(_ event: QueueEvent) {
    guard queue.machine != nil else { return }
    guard !queue.isPaused else {
      if queue.held.count < 10_000 { queue.held.append(event) }
      return
    }
    switch event {
    case .call(let node, let life, let call, let request, let executor, let incarnation):
      take(request, node, life, call, executor, incarnation)
    case .stream(let connection, let request): take(request, on: connection)
    case .enqueue(let order): enqueue(order)
    case .cancel(let order): write(mutate { $0.cancel(order, reason: "asked for", now: $1).changes })
    case .timer(let generation):
      guard generation == queue.timer else { return }
      tick()
    case .committed(let life): if life == queue.life { committed() }
    }
    guard queue.machine != nil else { return }
    pump()
    checkQueue()
    armQueue()
  }

  func mutate(_ body: (inout JobQueue, Now) -> [JobQueue.Change]) -> [JobQueue.Change] { ask(body) ?? [] }

  /// Calls the machine with the queue's clocks. Nil while the process is down.
  func ask<Answer>(_ body: (inout JobQueue, Now) -> Answer) -> Answer? {
    let time = queue.time(now)
    guard var machine = queue.machine else { return nil }
    queue.machine = nil
    defer { queue.machine = machine }
    return body(&machine, time)
  }

  private func tick() {
    write(mutate { $0.tick(now: $1).changes })
  }

  private func armQueue() {
    guard let machine = queue.machine else { return }
    queue.timer += 1
    guard let wait = machine.nextDeadline(now: queue.time(now)) else { return }
    // Part of it is wall time, which can be set.
    let sleep = min(max(wait.nanosecondsClamped, 1_000_000), 1_000_000_000)
    heap.push(.queue(.timer(queue.timer)), at: now + sleep + sleep / 1_000)
  }

  // MARK: Group commit

  func write(_ changes: [JobQueue.Change], _ replies: [QueueHost.Reply] = []) {
    guard !changes.isEmpty || !replies.isEmpty else { return }
    if changes.isEmpty, queue.committing == nil, queue.gathering.isEmpty {
      for reply in replies { send(reply) }
      return
    }
    queue.gathering.changes += changes
    queue.gathering.replies += replies
    beginCommit()
  }

  private func beginCommit() {
    guard queue.committing == nil, !queue.gathering.isEmpty else { return }
    queue.committing = queue.gathering
    queue.gathering = QueueHost.Batch()
    var wait = dice.between(300_000, 3_000_000)
    if now < queue.slowUntil { wait += dice.milliseconds(20, 800) }
    heap.push(.queue(.committed(life: queue.life)), at: now + wait)
  }

  private func committed() {
    guard let batch = queue.committing else { return }
    queue.committing = nil
    var changes = batch.changes
    if mutation == .leasesNotReturned {
      changes.removeAll { if case .stateChanged(_, _, .leaderReplaced) = $0 { true } else { false } }
    }
    if mutation == .epochsNotDurable {
      changes.removeAll { if case .leadershipChanged = $0 { true } else { false } }
    }
    // Would otherwise be found on disk at once, not by what follows from it.
    let problems = queue.store.commit(changes)
    if mutation != .epochsNotDurable, let problem = problems.first { violate(problem) }
    for reply in batch.replies { send(reply) }
    countSettled()
    beginCommit()
  }

  func countSettled() {
    unsettled = orders.keys.count { order in
      guard orders[order]?.isAcknowledged == true, let job = queue.store.jobs[order] else { return true }
      return !job.state.isFinal && job.state != .buried
    }
  }

  func send(_ reply: QueueHost.Reply) {
    switch reply {
    case .call(let node, let life, let call, let answer):
      if case .claimed(.granted(let epoch, _)) = answer { checkTold(epoch, node, life) }
      self.answer(node, life, call, answer)
    case .stream(let connection, let reply):
      if case .deliveries(let deliveries) = reply { checkDelivered(deliveries, connection) }
      if !connections[connection].isServerDone { sendDown(connection, reply) }
    case .acked(let connection, let order):
      oracle.confirmed.insert(order)
      checkConfirmed(order)
      if !connections[connection].isServerDone { sendDown(connection, .settled(order, .accepted)) }
    case .fence(let connection, let current, let holder):
      endLink(connection, .fenced(current: current, holder: holder))
    case .enqueued(let order):
      // The reply can be lost; the outbox asks again.
      if !dice.chance(perMille: 30) { heap.push(.acknowledged(order: order), at: now + latency()) }
    }
  }

  private func enqueue(_ order: Int) {
    guard let entry = orders[order] else { return }
    let expiry = entry.expiresAfter.map { queue.clock.wall(now) + $0 }
    let job = JobQueue.NewJob(id: order, lane: lane, priority: entry.priority, expiresAt: expiry)
    guard let step = ask({ $0.enqueue(job, now: $1) }) else { return }
    switch step.answer {
    case .enqueued, .duplicate:
      if mutation == .acknowledgedBeforeCommit {
        write(step.changes)
        send(.enqueued(order: order))
      } else {
        write(step.changes, [.enqueued(order: order)])
      }
    case .full, .draining, .tooManyLanes, .invalidPriority: break
    }
  }

  // MARK: Calls

  private func take(
    _ request: CallRequest, _ node: Int, _ life: Int, _ call: UInt64, _ executor: Int, _ incarnation: UInt64
  ) {
    func reply(_ answer: CallAnswer) -> QueueHost.Reply {
      .call(node: node, life: life, call: call, answer)
    }
    switch request {
    case .probe: send(reply(.serving))
    case .resign(let epoch):
      let token = LeaderToken(lane: lane, executor: oracle.executor, epoch: epoch)
      guard let step = ask({ $0.resign(token, now: $1) }) else { return }
      if case .resigned = step.answer { oracle.resigned(epoch) }
      let over = linked.filter { connections[$0].epoch == epoch }
      let ends = over.map { QueueHost.Reply.fence(connection: $0, current: epoch, holder: nil) }
      write(step.changes, ends + [reply(.resigned)])
    case .claim(let term):
      claim(executor, incarnation, term, reply)
    }
  }

  private func claim(
    _ executor: Int, _ incarnation: UInt64, _ term: UInt64, _ reply: (CallAnswer) -> QueueHost.Reply
  ) {
    if mutation == .grantsToLowerID, executor < oracle.executor, oracle.isLive(queue.time(now).monotonic) {
      let holder = LeaderToken(lane: lane, executor: oracle.executor, epoch: oracle.epoch)
      write(mutate { $0.resign(holder, now: $1).changes })
    }
    let stream = linked.last {
      connections[$0].executor == executor && connections[$0].incarnation == incarnation
    }
    let claim = LeadershipClaim(
      lane: lane, executor: executor, incarnation: incarnation, term: term, stream: stream.map { UInt64($0) })
    guard let step = ask({ $0.claim(claim, now: $1) }) else { return }
    let lease = queue.configuration.leadershipLease
    switch step.answer {
    case .granted(let epoch, let deadline, _, _):
      statistics.grants += 1
      trace(.queue) { "the queue grants epoch \(epoch) to \(executor)" }
      checkGrant(epoch, executor, incarnation, until: deadline)
      // A queue that does not fence does not end the former leader's stream either.
      let isFencing = mutation != .ackIgnoresEpoch && mutation != .renewIgnoresEpoch
      let over = isFencing ? linked : []
      let ends = over.map { QueueHost.Reply.fence(connection: $0, current: epoch, holder: executor) }
      let told = mutation == .epochReused && epoch > 1 ? epoch - 1 : epoch
      write(step.changes, ends + [reply(.claimed(.granted(epoch: told, lease: lease)))])
    case .resumed(let epoch, let deadline):
      trace(.queue) { "the queue confirms epoch \(epoch) to \(executor)" }
      oracle.extended(epoch, until: deadline, isOpen: stream != nil)
      write(step.changes, [reply(.claimed(.granted(epoch: epoch, lease: lease)))])
    case .heldBy(let record):
      trace(.queue) { "the queue refuses \(executor): \(record.executor) holds epoch \(record.epoch)" }
      write([], [reply(.claimed(.held(by: record.executor, epoch: record.epoch)))])
    case .tooManyLanes: send(reply(.failed))
    }
  }
}
