import CoreTime
import LeaderWork
import PriorityQueue

/// Work streams, the queue's side.
extension Simulation {
  /// Streams that hold an epoch, oldest first.
  var linked: [Int] { oracle.links }

  func take(_ request: StreamRequest, on connection: Int) {
    guard !connections[connection].isServerDone else { return }
    switch request {
    case .open(let held): open(connection, held)
    case .end:
      connections[connection].isServerDone = true
      guard connections[connection].isLinked else { return }
      unlink(connection)
      release(connection)
    case .command(let command): if connections[connection].isLinked { obey(command, connection) }
    }
  }

  private func open(_ connection: Int, _ held: Set<Int>) {
    let link = connections[connection]
    let record = queue.machine?.leadership.first { $0.lane == lane }
    guard let record, record.epoch == link.epoch, record.executor == link.executor,
      record.incarnation == link.incarnation, record.vacancy != .resigned
    else {
      return endLink(connection, .fenced(current: record?.epoch ?? 0, holder: record?.executor))
    }
    let claim = LeadershipClaim(
      lane: lane, executor: link.executor, incarnation: link.incarnation, term: record.term,
      stream: UInt64(connection))
    guard let step = ask({ $0.claim(claim, now: $1) }) else { return }
    if case .resumed(let epoch, let deadline) = step.answer {
      oracle.extended(epoch, until: deadline, isOpen: true)
    }
    touchLeases(of: link) { $0 }
    for older in linked where connections[older].epoch == link.epoch { endLink(older, .end) }
    connections[connection].isLinked = true
    oracle.links.append(connection)
    write(step.changes + mutate { $0.takeBackLost(token(link), held: held, now: $1).changes })
  }

  /// The stream of a leader ended: the lane is free, its leases are kept for it a little longer.
  private func release(_ connection: Int) {
    let link = connections[connection]
    let step = ask { queue, _ in
      queue.holderStreamClosed(lane: lane, epoch: link.epoch, stream: UInt64(connection))
    }
    guard let step, step.answer == .vacated else { return }
    trace(.queue) { "the queue sees the stream of \(link.executor) end: the lane is free" }
    oracle.closed(link.epoch)
    let grace = queue.configuration.leadershipLease
    touchLeases(of: link) { min($0, grace) }
    write(step.changes)
  }

  private func touchLeases(of link: Connection, _ length: (Duration) -> Duration) {
    for job in queue.machine?.list(.leased, limit: .max) ?? [] where job.lease?.leader.epoch == link.epoch {
      let duration = length(job.lease?.duration ?? profile.jobLease)
      _ = ask { $0.touch(job.id, token(link), duration: duration, now: $1) }
    }
  }

  private func token(_ link: Connection) -> LeaderToken {
    LeaderToken(lane: lane, executor: link.executor, epoch: link.epoch)
  }

  private func unlink(_ connection: Int) {
    connections[connection].isLinked = false
    oracle.links.removeAll { $0 == connection }
  }

  func endLink(_ connection: Int, _ last: StreamReply) {
    guard !connections[connection].isServerDone else { return }
    sendDown(connection, last)
    if case .end = last {} else { sendDown(connection, .end) }
    connections[connection].isServerDone = true
    unlink(connection)
  }

  // MARK: What a leader says

  private func obey(_ command: Work.Command, _ connection: Int) {
    let link = connections[connection]
    let leader = token(link)
    switch command {
    case .credits(let credits): connections[connection].credits += credits
    case .renew: renew(connection, leader)
    case .touch(let order, let lease):
      guard let step = ask({ $0.touch(order, leader, duration: lease, now: $1) }) else { return }
      if case .fenced(let fence) = step.answer { fenced(connection, fence) }
    case .ack(let order, _): ack(order, connection, leader)
    case .nack(let order, let reason):
      returned(order, connection) {
        $0.nack(order, leader, reason: reason, now: $1, using: &$2)
      }
    case .handBack(let order):
      returned(order, connection) {
        $0.nack(order, leader, reason: "handed back", countsAsAttempt: false, now: $1, using: &$2)
      }
    case .bury(let order, let reason): bury(order, reason, connection, leader)
    }
  }

  private func renew(_ connection: Int, _ leader: LeaderToken) {
    guard let answer = ask({ $0.renew(leader, now: $1) }) else { return }
    switch answer {
    case .renewed(let deadline):
      checkCurrent("a renewal", leader.epoch)
      oracle.extended(leader.epoch, until: deadline, isOpen: nil)
      sendDown(connection, .renewed(queue.configuration.leadershipLease))
    case .fenced(let fence):
      guard mutation == .renewIgnoresEpoch else { return fenced(connection, fence) }
      sendDown(connection, .renewed(queue.configuration.leadershipLease))
    }
  }

  private func ack(_ order: Int, _ connection: Int, _ leader: LeaderToken) {
    var used = leader
    if mutation == .ackIgnoresEpoch { (used.executor, used.epoch) = (oracle.executor, oracle.epoch) }
    guard let step = ask({ $0.ack(order, used, now: $1) }) else { return }
    switch step.answer {
    case .acked, .alreadyDone:
      checkCurrent("the ack of order \(order)", leader.epoch)
      checkEffect(order)
      let reply = QueueHost.Reply.acked(connection: connection, order: order)
      if mutation == .confirmedBeforeCommit {
        write(step.changes)
        send(reply)
      } else {
        write(step.changes, [reply])
      }
    case .fenced(let fence): fenced(connection, fence)
    case .notLeased(let state): refuse(order, connection, state.rawValue)
    case .unknown: refuse(order, connection, "unknown")
    }
  }

  private func returned(
    _ order: Int, _ connection: Int,
    _ call: (inout JobQueue, Now, inout Dice.Source) -> JobQueue.Step<NackAnswer>
  ) {
    var source = dice.source
    let result = ask { call(&$0, $1, &source) }
    dice.source = source
    guard let step = result else { return }
    switch step.answer {
    case .returned, .buried:
      checkCurrent("the return of order \(order)", connections[connection].epoch)
      write(step.changes, [.stream(connection: connection, .settled(order, .accepted))])
    case .fenced(let fence): fenced(connection, fence)
    case .notLeased(let state): refuse(order, connection, state.rawValue)
    case .unknown: refuse(order, connection, "unknown")
    }
  }

  private func bury(_ order: Int, _ reason: String, _ connection: Int, _ leader: LeaderToken) {
    guard let step = ask({ $0.bury(order, leader, reason: reason, now: $1) }) else { return }
    switch step.answer {
    case .buried:
      checkCurrent("the burial of order \(order)", leader.epoch)
      write(step.changes, [.stream(connection: connection, .settled(order, .accepted))])
    case .fenced(let fence): fenced(connection, fence)
    case .notLeased(let state): refuse(order, connection, state.rawValue)
    case .unknown: refuse(order, connection, "unknown")
    }
  }

  private func refuse(_ order: Int, _ connection: Int, _ code: String) {
    write([], [.stream(connection: connection, .settled(order, .refused(code: code)))])
  }

  private func fenced(_ connection: Int, _ fence: Fence) {
    let isEnded = connections[connection].isServerDone
    trace(.queue) { "the queue refuses \(connections[connection].executor): epoch \(fence.yours) is over" }
    if !isEnded { endLink(connection, .fenced(current: fence.current, holder: fence.holder?.executor)) }
  }

  /// Leases what is ready to the streams that have credits.
  func pump() {
    for connection in linked {
      let link = connections[connection]
      guard link.credits > 0, link.epoch == oracle.epoch, oracle.isVacant == false,
        (queue.machine?.readyCount(lane: lane) ?? 0) > 0
      else { continue }
      let step = ask {
        $0.lease(token(link), max: link.credits, duration: profile.jobLease, now: $1)
      }
      guard let step, case .leased(let jobs) = step.answer, !step.changes.isEmpty else { continue }
      checkCurrent("a lease", link.epoch)
      connections[connection].credits -= jobs.count
      let deliveries = jobs.map { WorkDelivery(order: $0.id, attempt: $0.attempts, lease: profile.jobLease) }
      let reply = QueueHost.Reply.stream(connection: connection, .deliveries(deliveries))
      if mutation == .deliveredBeforeCommit {
        write(step.changes)
        send(reply)
      } else {
        write(step.changes, [reply])
      }
    }
  }
}
