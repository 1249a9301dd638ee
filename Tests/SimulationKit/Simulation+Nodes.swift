import BullyElection
import CoreTime
import LeaderWork

/// The executors: what happens to them, and the model of their shell.
extension Simulation {
  func boot(_ index: Int) {
    guard !nodes[index].isUp else { return }
    let old = nodes[index]
    var node = SimNode(
      name: old.name, clock: old.clock,
      election: BullyElection(
        id: old.name, incarnation: dice.next(), configuration: profile.election, seed: dice.next()),
      work: Work(configuration: LeaderWorkConfiguration(credits: profile.credits), seed: dice.next()))
    node.life = old.life + 1
    node.pauses = old.pauses
    node.outages = old.outages
    (node.upCutUntil, node.downCutUntil) = (old.upCutUntil, old.downCutUntil)
    node.pausedFor = old.pausedFor
    node.incarnation = node.election.incarnation
    node.isUp = true
    nodes[index] = node
    trace(.fault) { "\(node.id) starts" }
    elect(index, .started)
    heap.push(.node(index, life: node.life, .probe), at: now + dice.milliseconds(0, 20))
  }

  /// Hands an event to a process, or keeps it while the process is stopped.
  func take(_ event: NodeEvent, _ index: Int, _ life: Int) {
    guard nodes[index].isAlive(life) else { return }
    guard !nodes[index].isPaused else {
      // What the socket's buffer can hold.
      if nodes[index].held.count < 4_000 { nodes[index].held.append(event) }
      return
    }
    perform(event, index)
    if nodes[index].isAlive(life) { checkTrust(of: index) }
  }

  private func perform(_ event: NodeEvent, _ index: Int) {
    switch event {
    case .datagram(let message): give(.datagram(message), index)
    case .electionTimer(let generation):
      if nodes[index].electionTimer == generation { elect(index, .timerFired) }
    case .workTimer(let generation): if nodes[index].workTimer == generation { work(index, .timerFired) }
    case .answered(let call, let answer): answered(index, call, answer)
    case .probe: probe(index)
    case .reply(let connection, let reply): replyArrives(connection, reply, index)
    case .closed(let connection): clientCloses(connection, index)
    case .act(let run): act(index, run)
    case .acted(let run, let accepted): acted(index, run, accepted)
    case .fulfilment(let fails):
      nodes[index].fulfilmentFails = fails
      tellEligibility(index)
    case .stop:
      nodes[index].isStopping = true
      work(index, .drain(.shutdown, until: workNow(index) + .seconds(2)))
    }
  }

  func elect(_ index: Int, _ input: BullyElection.Input) { give(.election(input), index) }

  func work(_ index: Int, _ input: Work.Input) { give(.work(input), index) }

  private func give(_ input: SimNode.Inbox, _ index: Int) {
    nodes[index].inbox.append(input)
    guard !isPerforming else { return }
    isPerforming = true
    defer { isPerforming = false }
    while nodes[index].isUp, !nodes[index].inbox.isEmpty {
      switch nodes[index].inbox.removeFirst() {
      case .election(let input):
        let effects = nodes[index].election.step(input, now: nodes[index].clock.monotonic(now))
        for effect in effects where nodes[index].isUp { perform(effect, index) }
      case .work(let input):
        let effects = nodes[index].work.step(input, now: workNow(index))
        for effect in effects where nodes[index].isUp { perform(effect, index) }
      case .datagram(let message): datagramArrives(message, index)
      }
    }
  }

  // MARK: The election

  private func perform(_ effect: BullyElection.Effect, _ index: Int) {
    let id = nodes[index].id
    switch effect {
    case .send(let message): multicast(message, index)
    case .setTimer(let deadline):
      nodes[index].electionTimer += 1
      guard let deadline else { return }
      let event = NodeEvent.electionTimer(nodes[index].electionTimer)
      let at = max(now, nodes[index].clock.world(deadline))
      heap.push(.node(index, life: nodes[index].life, event), at: at)
    case .becameLeader(let term): work(index, .lead(term: term))
    case .stoppedLeading: if mutation != .ignoresStoppedLeading { work(index, .stopLeading) }
    case .drainForHandover:
      let bound = profile.election.drainTimeout
      let until = workNow(index) + max(bound - .milliseconds(500), bound / 2)
      work(index, .drain(.handover, until: until))
    case .leaderChanged(let view):
      trace(.election) {
        let leader = view.map { "\($0.id) (term \($0.term), epoch \($0.epoch))" } ?? "nobody"
        return "\(id) now takes for the leader: \(leader)"
      }
    case .note(let note):
      if case .electionStarted = note { statistics.elections += 1 }
      trace(.election) { "\(id) \(describe(note))" }
    }
  }

  private func multicast(_ original: ElectionMessage, _ index: Int) {
    var message = original
    if mutation == .heartbeatWithoutEpoch, message.kind == .coordinator { message.epoch = 0 }
    statistics.datagrams += 1
    if !isHeartbeat(message, index) {
      statistics.electionDatagrams += 1
      trace(.datagram) { "\(nodes[index].id) sends \(describe(message))" }
    } else {
      trace(.heartbeat) { "\(nodes[index].id) sends \(describe(message))" }
    }
    lastSent[index] = message
    for other in nodes.indices where other != index && nodes[other].isUp {
      for at in network.arrivals(message, from: index, to: other, now: now, &dice) {
        heap.push(.node(other, life: nodes[other].life, .datagram(message)), at: at)
      }
    }
  }

  /// A repeat of what the sender said last.
  private func isHeartbeat(_ message: ElectionMessage, _ index: Int) -> Bool {
    guard let last = lastSent[index], message.kind == .coordinator, last.kind == .coordinator else {
      return false
    }
    return last.term == message.term && last.epoch == message.epoch && last.incarnation == message.incarnation
  }

  private func datagramArrives(_ original: ElectionMessage, _ index: Int) {
    var message = original
    if mutation == .electionIgnoresIncarnation { message.incarnation = 1 }
    let key = SimNode.DatagramKey(
      sender: message.sender, incarnation: original.incarnation, sequence: message.sequence)
    let isNew = nodes[index].seen.insert(key).inserted
    if !isNew, mutation == .replayAccepted { message.sequence += 1 << 40 }
    let clock = nodes[index].clock.monotonic(now)
    let isTimerDue = nodes[index].election.nextDeadline.map { $0 <= clock } ?? false
    let effects = nodes[index].election.step(.message(message), now: clock)
    if !isNew, !isTimerDue, !effects.isEmpty {
      violate("\(nodes[index].id) acted on a datagram that it had already had: \(describe(original))")
    }
    if isNew { checkHeard(original, key, index) }
    for effect in effects where nodes[index].isUp { perform(effect, index) }
  }

  // MARK: The work

  /// The clock by which the executor trusts itself.
  func workNow(_ index: Int) -> Instant {
    let clock = nodes[index].clock.monotonic(now)
    return mutation == .clockStopsInPause ? clock - nodes[index].pausedFor : clock
  }

  private func perform(_ effect: Work.Effect, _ index: Int) {
    switch effect {
    case .claim(let call, let term): self.call(index, .claim(term: term), .claim(call))
    case .resign(let call, let epoch, _):
      nodes[index].resignation = (call, epoch)
      giveBack(index)
    case .openStream(let stream, let epoch): openStream(index, stream, epoch)
    case .closeStream(let stream): closeStream(index, stream)
    case .send(let stream, let command):
      checkAck(command, stream, index)
      if let connection = nodes[index].streams[stream] { sendUp(connection, .command(command)) }
    case .execute(let delivery, let epoch): execute(index, delivery, epoch)
    case .cancelExecutions(let epoch):
      for run in nodes[index].runs.keys.sorted() where nodes[index].runs[run]?.epoch == epoch {
        nodes[index].runs[run]?.isCancelled = true
        // Killing it takes a moment.
        heap.push(.node(index, life: nodes[index].life, .act(run: run)), at: now + dice.milliseconds(0, 600))
      }
    case .tellGranted(let epoch): elect(index, .epochGranted(epoch))
    case .tellLost: elect(index, .epochLost)
    case .tellDenied(let holder):
      elect(index, .claimDenied(holder: holder.flatMap { NodeID(UInt16(clamping: $0)) }))
    case .queueLost: queueLost(index)
    case .drained(.handover): elect(index, .handoverFinished)
    case .drained(.shutdown): shutDown(index)
    case .drained(.stepDown): break
    case .setTimer(let deadline): setWorkTimer(index, deadline)
    case .note(let note):
      if case .leftToNext = note { statistics.refusedResults += 1 }
      trace(.work) { "\(nodes[index].id) \(describe(note))" }
    }
  }

  /// Once what was cancelled under the epoch has ended.
  func giveBack(_ index: Int) {
    guard let (call, epoch) = nodes[index].resignation,
      !nodes[index].runs.values.contains(where: { $0.epoch == epoch })
    else { return }
    nodes[index].resignation = nil
    self.call(index, .resign(epoch: epoch), .resign(call))
  }

  private func setWorkTimer(_ index: Int, _ deadline: Instant?) {
    nodes[index].workTimer += 1
    guard var deadline else { return }
    if mutation == .clockStopsInPause { deadline = deadline + nodes[index].pausedFor }
    let event = NodeEvent.workTimer(nodes[index].workTimer)
    heap.push(
      .node(index, life: nodes[index].life, event), at: max(now, nodes[index].clock.world(deadline)))
  }

  private func shutDown(_ index: Int) {
    elect(index, .stopRequested)
    trace(.fault) { "\(nodes[index].id) ends, as asked" }
    let restart = nodes[index].restartAfter
    end(index, isPowerLoss: false)
    if let restart { heap.push(.boot(index), at: now + restart.nanosecondsClamped) }
  }

  // MARK: Eligibility, as the shell's checks see it

  private func probe(_ index: Int) {
    let wait = nodes[index].isReached ? dice.milliseconds(900, 1_100) : dice.milliseconds(300, 500)
    heap.push(.node(index, life: nodes[index].life, .probe), at: now + wait)
    guard nodes[index].work.epoch == nil, now >= nodes[index].distrustedUntil else { return }
    call(index, .probe, .probe)
  }

  private func probed(_ index: Int, _ isServing: Bool) {
    // While it leads, the work itself tells.
    guard nodes[index].work.epoch == nil, now >= nodes[index].distrustedUntil else { return }
    nodes[index].failedProbes = isServing ? 0 : nodes[index].failedProbes + 1
    if isServing {
      nodes[index].isReached = true
    } else if nodes[index].failedProbes >= 2 {
      nodes[index].isReached = false
    }
    tellEligibility(index)
  }

  private func queueLost(_ index: Int) {
    if mutation == .unreachableStaysEligible { return elect(index, .claimDenied(holder: nil)) }
    nodes[index].isReached = false
    nodes[index].distrustedUntil = now + 1_000_000_000
    tellEligibility(index)
  }

  private func tellEligibility(_ index: Int) {
    let node = nodes[index]
    let isEligible = node.isReached && !node.fulfilmentFails
    guard isEligible != node.isEligible else { return }
    nodes[index].isEligible = isEligible
    let reason: BullyElection.IneligibleReason = node.fulfilmentFails ? .fulfilmentFailing : .queueUnreachable
    elect(index, isEligible ? .becameEligible : .becameIneligible(reason))
  }

  private func answered(_ index: Int, _ call: UInt64, _ answer: CallAnswer) {
    guard let pending = nodes[index].calls.removeValue(forKey: call) else { return }
    switch (pending, answer) {
    case (.claim(let number), .claimed(var answer)):
      if mutation == .trustWindowTooLong, case .granted(let epoch, let lease) = answer {
        answer = .granted(epoch: epoch, lease: lease * 2)
      }
      work(index, .claimAnswered(call: number, answer))
    case (.claim(let number), _): work(index, .claimAnswered(call: number, .failed))
    case (.resign(let number), _): work(index, .resignAnswered(call: number))
    case (.probe, .serving): probed(index, true)
    case (.probe, _): probed(index, false)
    }
  }
}
