import CoreTime

/// The faults, and their end.
extension Simulation {
  func strike(_ fault: Fault) {
    stalledSince = nil
    trace(.fault) { "FAULT \(describe(fault))" }
    switch fault {
    case .crash(let target, let isPowerLoss, let restart): crash(target, isPowerLoss, restart)
    case .stop(let target, let restart):
      guard let index = resolve(target), nodes[index].isUp else { return }
      nodes[index].restartAfter = restart
      heap.push(.node(index, life: nodes[index].life, .stop), at: now)
    case .pause(let target, let time): pause(target, time.nanosecondsClamped)
    case .partition(let groups, let time):
      for (from, to) in pairs {
        let isTogether = groups.contains { $0.contains(nodes[from].id) && $0.contains(nodes[to].id) }
        if isTogether { continue }
        network.cut(from, to, until: now + time.nanosecondsClamped)
      }
    case .cut(let from, let to, let time):
      guard let from = resolve(from), let to = resolve(to) else { return }
      network.cut(from, to, until: now + time.nanosecondsClamped)
    case .clog(let from, let to, let time):
      guard let from = resolve(from), let to = resolve(to) else { return }
      network.clog(from, to, until: now + time.nanosecondsClamped)
    case .cutFromQueue(let target, let up, let down, let time):
      cutFromQueue(target, up, down, time.nanosecondsClamped)
    case .breakStream(let target):
      guard let index = resolve(target) else { return }
      for connection in nodes[index].streams.values.sorted() {
        breakConnection(connection, client: true, server: true)
      }
    case .queueCrash(let isPowerLoss, let restart): crashQueue(isPowerLoss, restart)
    case .queuePause(let time):
      guard queue.machine != nil, !queue.isPaused else { return }
      queue.isPaused = true
      heap.push(.queueResumes, at: now + time.nanosecondsClamped)
    case .slowDisk(let time): queue.slowUntil = now + time.nanosecondsClamped
    case .setWall(let target, let by):
      guard let index = resolve(target) else { return }
      nodes[index].clock.wallOffset += by
    case .setQueueWall(let by): queue.clock.wallOffset += by
    case .fulfilmentFails(let target, let time):
      guard let index = resolve(target), nodes[index].isUp else { return }
      heap.push(.node(index, life: nodes[index].life, .fulfilment(fails: true)), at: now)
      heap.push(
        .node(index, life: nodes[index].life, .fulfilment(fails: false)), at: now + time.nanosecondsClamped)
    case .lose(let kind, let from, let to, let count):
      guard let from = index(of: from) else { return }
      network.losses.append(.init(kind: kind, from: from, to: to.flatMap { index(of: $0) }, count: count))
    }
  }

  private var pairs: [(Int, Int)] {
    nodes.indices.flatMap { from in nodes.indices.filter { $0 != from }.map { (from, $0) } }
  }

  private func resolve(_ target: Target) -> Int? {
    switch target {
    case .node(let id): index(of: id)
    case .holder: index(of: UInt16(clamping: oracle.executor)) ?? nodes.indices.last
    }
  }

  private func crash(_ target: Target, _ isPowerLoss: Bool, _ restart: Duration?) {
    guard let index = resolve(target), nodes[index].isUp else { return }
    end(index, isPowerLoss: isPowerLoss)
    if let restart { heap.push(.boot(index), at: now + restart.nanosecondsClamped) }
  }

  /// The process is gone.
  func end(_ index: Int, isPowerLoss: Bool) {
    nodes[index].isUp = false
    nodes[index].isPaused = false
    nodes[index].held = []
    nodes[index].heldCalls = []
    for connection in connections.indices
    where connections[connection].node == index && connections[connection].life == nodes[index].life {
      connections[connection].isClientOpen = false
      guard !connections[connection].isServerDone else { continue }
      // Without a word from the kernel the queue finds out by its own keep-alive.
      let isSilent = isPowerLoss || now < nodes[index].upCutUntil
      let wait = isSilent ? dice.milliseconds(2_000, 10_000) : latency()
      let at = max(connections[connection].lastUp + 1, now + wait)
      heap.push(.queue(.stream(connection: connection, .end)), at: at)
    }
  }

  private func pause(_ target: Target, _ time: WorldTime) {
    guard let index = resolve(target), nodes[index].isUp, !nodes[index].isPaused else { return }
    nodes[index].isPaused = true
    nodes[index].pauses += 1
    nodes[index].pausedAt = now
    heap.push(.resume(index, pause: nodes[index].pauses), at: now + time)
  }

  func resume(_ index: Int, _ pause: Int) {
    guard nodes[index].isPaused, nodes[index].pauses == pause else { return }
    trace(.fault) { "\(nodes[index].id) runs again" }
    nodes[index].isPaused = false
    nodes[index].pausedFor += .nanoseconds(now - nodes[index].pausedAt)
    let held = nodes[index].held
    nodes[index].held = []
    let life = nodes[index].life
    for event in held { take(event, index, life) }
  }

  private func cutFromQueue(_ target: Target, _ up: Bool, _ down: Bool, _ time: WorldTime) {
    guard let index = resolve(target) else { return }
    if up { nodes[index].upCutUntil = max(nodes[index].upCutUntil, now + time) }
    if down { nodes[index].downCutUntil = max(nodes[index].downCutUntil, now + time) }
    nodes[index].outages += 1
    for connection in connections.indices
    where connections[connection].node == index
      && (connections[connection].isClientOpen || !connections[connection].isServerDone)
    {
      scheduleGivingUp(connection)
    }
    heap.push(.healed(index), at: now + time)
  }

  private func crashQueue(_ isPowerLoss: Bool, _ restart: Duration) {
    guard queue.machine != nil else { return }
    queue.machine = nil
    queue.held = []
    oracle.links = []
    for connection in connections.indices where !connections[connection].isServerDone {
      connections[connection].isServerDone = true
      connections[connection].isLinked = false
      connections[connection].heldDown = []
      let link = connections[connection]
      guard link.isClientOpen else { continue }
      let isSilent = isPowerLoss || now < nodes[link.node].downCutUntil
      let wait = isSilent ? dice.milliseconds(1_000, 6_000) : latency()
      let at = max(link.lastDown + 1, now + wait)
      heap.push(.node(link.node, life: link.life, .closed(connection: connection)), at: at)
    }
    heap.push(.queueBoots, at: now + restart.nanosecondsClamped)
  }

  func resumeQueue() {
    guard queue.isPaused else { return }
    queue.isPaused = false
    let held = queue.held
    queue.held = []
    for event in held { take(event) }
  }

  /// Everything that was broken is whole again; who is to restart restarts.
  func beginQuiet() {
    isQuiet = true
    stalledSince = nil
    trace(.fault) { "the faults are over" }
    network.heal()
    queue.slowUntil = now
    resumeQueue()
    for index in nodes.indices {
      nodes[index].upCutUntil = now
      nodes[index].downCutUntil = now
      nodes[index].outages += 1
      flush(index)
      resume(index, nodes[index].pauses)
      if nodes[index].isUp {
        heap.push(.node(index, life: nodes[index].life, .fulfilment(fails: false)), at: now)
      }
    }
    if !nodes.isEmpty, !nodes.contains(where: \.isUp) { heap.push(.boot(0), at: now) }
  }
}
