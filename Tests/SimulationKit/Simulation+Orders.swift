import CoreTime
import LeaderWork

/// Executions, the fulfilment target, and the orchestrator's outbox.
extension Simulation {
  func execute(_ index: Int, _ delivery: WorkDelivery<Int>, _ epoch: UInt64) {
    checkBegin(index, delivery, epoch)
    lastRun += 1
    statistics.executions += 1
    nodes[index].runs[lastRun] = SimNode.Run(order: delivery.order, epoch: epoch, attempt: delivery.attempt)
    var wait = dice.between(1_000_000, profile.longestExecution.nanosecondsClamped)
    if dice.chance(perMille: 50) { wait *= 5 }
    heap.push(.node(index, life: nodes[index].life, .act(run: lastRun)), at: now + wait)
  }

  /// The execution sends its effect. Nothing asks for the leadership any more at this point: what crosses a
  /// stop here is the physical effect under an old epoch that only the target's own fencing can keep out.
  func act(_ index: Int, _ run: Int) {
    guard let value = nodes[index].runs[run] else { return }
    let node = nodes[index]
    if value.isCancelled || dice.chance(perMille: profile.failingPerMille) {
      nodes[index].runs[run] = nil
      let isHopeless = !value.isCancelled && dice.chance(perMille: 200)
      return finish(index, value, isHopeless ? .failed(reason: "hopeless") : .tryAgain(reason: "not now"))
    }
    heap.push(.effect(node: index, life: node.life, run: run, value), at: now + dice.milliseconds(0, 20))
  }

  /// Also after the end of the process that sent it.
  func effectArrives(_ index: Int, _ life: Int, _ run: Int, _ value: SimNode.Run) {
    let accepted = sink.receive(
      order: value.order, epoch: value.epoch, executor: nodes[index].id, attempt: value.attempt, at: now)
    trace(.order) {
      "order \(value.order) is carried out by \(nodes[index].id) under epoch \(value.epoch)"
        + (accepted ? "" : ": refused by the target, which has seen a later epoch")
    }
    heap.push(.node(index, life: life, .acted(run: run, accepted: accepted)), at: now + latency())
  }

  func acted(_ index: Int, _ run: Int, _ accepted: Bool) {
    guard let value = nodes[index].runs.removeValue(forKey: run) else { return }
    if accepted {
      nodes[index].finished.insert(SimNode.FinishedRun(order: value.order, epoch: value.epoch))
      finish(index, value, .done(note: ""))
    } else {
      finish(index, value, .failed(reason: "refused by the target"))
    }
  }

  private func finish(_ index: Int, _ run: SimNode.Run, _ result: WorkResult) {
    nodes[index].ended.insert(SimNode.FinishedRun(order: run.order, epoch: run.epoch))
    work(index, .executed(run.order, epoch: run.epoch, result))
    if nodes[index].isUp { giveBack(index) }
  }

  // MARK: The outbox

  /// Sends an approved order to the queue, again and again until it is acknowledged.
  func sendFromOutbox(_ order: Int) {
    guard let entry = orders[order], !entry.isAcknowledged else { return }
    // The connection can be lost on the way there and on the way back.
    if !dice.chance(perMille: 30) { heap.push(.queue(.enqueue(order: order)), at: now + latency()) }
    heap.push(.outbox(order: order), at: now + dice.milliseconds(200, 600))
  }

  func acknowledge(_ order: Int) {
    guard orders[order]?.isAcknowledged == false else { return }
    orders[order]?.isAcknowledged = true
    oracle.acknowledged.insert(order)
    checkAcknowledged(order)
    countSettled()
  }
}
