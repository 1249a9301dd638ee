import LeaderWork

/// Calls and work streams between an executor and the queue: reliable and in order like TCP, or silent, or
/// broken.
extension Simulation {
  // MARK: Unary calls

  func call(_ index: Int, _ request: CallRequest, _ pending: SimNode.PendingCall) {
    nodes[index].nextCall += 1
    let call = nodes[index].nextCall
    let node = nodes[index]
    nodes[index].calls[call] = pending
    var deadline: WorldTime = 1_000_000_000
    if case .resign = request { deadline = 500_000_000 }
    heap.push(
      .node(index, life: node.life, .answered(call: call, .failed)), at: now + deadline)
    let incarnation = mutation == .claimIgnoresIncarnation ? 1 : node.incarnation
    let event = QueueEvent.call(
      node: index, life: node.life, call: call, request, executor: Int(node.id), incarnation: incarnation)
    if now < node.upCutUntil {
      // TCP may still bring it when the network heals, long after the caller has given up.
      if dice.chance(perMille: 500), node.heldCalls.count < 64 { nodes[index].heldCalls.append(event) }
    } else if queue.machine == nil {
      heap.push(.node(index, life: node.life, .answered(call: call, .failed)), at: now + latency())
    } else {
      heap.push(.queue(event), at: now + latency())
    }
  }

  func answer(_ index: Int, _ life: Int, _ call: UInt64, _ answer: CallAnswer) {
    // Late is as good as never: the call has its deadline.
    guard now >= nodes[index].downCutUntil else { return }
    heap.push(.node(index, life: life, .answered(call: call, answer)), at: now + latency())
  }

  // MARK: Streams, the executor's side

  func openStream(_ index: Int, _ stream: UInt64, _ epoch: UInt64) {
    let node = nodes[index]
    let connection = connections.count
    connections.append(
      Connection(
        node: index, life: node.life, stream: stream, epoch: epoch, executor: Int(node.id),
        incarnation: mutation == .claimIgnoresIncarnation ? 1 : node.incarnation))
    nodes[index].streams[stream] = connection
    if queue.machine == nil, now >= node.upCutUntil {
      heap.push(.node(index, life: node.life, .closed(connection: connection)), at: now + latency())
      return
    }
    let running = node.runs.values.filter { $0.epoch == epoch }.map(\.order)
    var held = Set(node.work.held).union(running)
    if mutation == .heldLeavesOutRuns { held.subtract(running) }
    sendUp(connection, .open(held: held))
    if now < node.upCutUntil || now < node.downCutUntil { scheduleGivingUp(connection) }
  }

  func closeStream(_ index: Int, _ stream: UInt64) {
    guard let connection = nodes[index].streams.removeValue(forKey: stream) else { return }
    guard connections[connection].isClientOpen else { return }
    sendUp(connection, .end)
    connections[connection].isClientOpen = false
  }

  func sendUp(_ connection: Int, _ request: StreamRequest) {
    let link = connections[connection]
    guard link.isClientOpen else { return }
    guard now >= nodes[link.node].upCutUntil, link.heldUp.isEmpty else {
      connections[connection].heldUp.append(request)
      return
    }
    let at = max(link.lastUp + 1, now + latency())
    connections[connection].lastUp = at
    heap.push(.queue(.stream(connection: connection, request)), at: at)
  }

  func sendDown(_ connection: Int, _ reply: StreamReply) {
    let link = connections[connection]
    guard now >= nodes[link.node].downCutUntil, link.heldDown.isEmpty else {
      connections[connection].heldDown.append(reply)
      return
    }
    let at = max(link.lastDown + 1, now + latency())
    connections[connection].lastDown = at
    heap.push(.node(link.node, life: link.life, .reply(connection: connection, reply)), at: at)
  }

  func replyArrives(_ connection: Int, _ reply: StreamReply, _ index: Int) {
    let link = connections[connection]
    guard link.isClientOpen else { return }
    let stream = link.stream
    switch reply {
    case .deliveries(let deliveries):
      for delivery in deliveries { work(index, .delivered(stream: stream, delivery)) }
    case .settled(let order, let answer): work(index, .settled(stream: stream, order, answer))
    case .renewed(let lease):
      work(index, .renewed(stream: stream, lease: mutation == .trustWindowTooLong ? lease * 2 : lease))
    case .fenced(let current, let holder):
      work(index, .fenced(stream: stream, current: current, holder: holder))
    case .end: clientCloses(connection, index)
    }
  }

  func clientCloses(_ connection: Int, _ index: Int) {
    guard connections[connection].isClientOpen else { return }
    connections[connection].isClientOpen = false
    work(index, .streamClosed(connections[connection].stream))
  }

  // MARK: What goes wrong

  /// The network between an executor and the queue has come back: what waited is sent.
  func flush(_ index: Int) {
    if now >= nodes[index].upCutUntil {
      for event in nodes[index].heldCalls { heap.push(.queue(event), at: now + latency()) }
      nodes[index].heldCalls = []
    }
    for connection in connections.indices where connections[connection].node == index {
      if now >= nodes[index].upCutUntil {
        let held = connections[connection].heldUp
        connections[connection].heldUp = []
        for request in held {
          let at = max(connections[connection].lastUp + 1, now + latency())
          connections[connection].lastUp = at
          heap.push(.queue(.stream(connection: connection, request)), at: at)
        }
      }
      if now >= nodes[index].downCutUntil {
        let held = connections[connection].heldDown
        connections[connection].heldDown = []
        for reply in held { sendDown(connection, reply) }
      }
    }
  }

  /// Each side finds out by itself that the other is silent, some time later.
  func scheduleGivingUp(_ connection: Int) {
    let outage = nodes[connections[connection].node].outages
    for client in [true, false] {
      heap.push(
        .gaveUp(connection: connection, client: client, outage: outage),
        at: now + dice.milliseconds(1_500, 8_000))
    }
  }

  func giveUp(_ connection: Int, client: Bool, outage: Int) {
    let index = connections[connection].node
    let node = nodes[index]
    let isCut = now < node.upCutUntil || now < node.downCutUntil
    guard node.outages == outage, isCut else { return }
    breakConnection(connection, client: client, server: !client)
  }

  /// Ends a connection for one side or both; what was under way on it is lost.
  func breakConnection(_ connection: Int, client: Bool, server: Bool) {
    let link = connections[connection]
    if client, link.isClientOpen {
      connections[connection].heldUp = []
      heap.push(
        .node(link.node, life: link.life, .closed(connection: connection)), at: now + latency())
    }
    if server, !link.isServerDone {
      connections[connection].heldDown = []
      heap.push(.queue(.stream(connection: connection, .end)), at: now + latency())
    }
  }
}
