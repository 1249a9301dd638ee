import CoreTime
import JournalLog
import Logging
package import OrderDomain
import OrderWire
package import PriorityQueue
package import VectorClock

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// An order to take in, within the limits.
package struct EnqueueCommand: Sendable {
  package var job: JobQueue.NewJob
  package var clock: VectorClock
  package var body: Data
  package var basket: [OrderItem]

  package init(job: JobQueue.NewJob, clock: VectorClock, body: Data, basket: [OrderItem] = []) {
    self.job = job
    self.clock = clock
    self.body = body
    self.basket = basket
  }
}

extension QueueEngine {
  /// Those of `ids` that were finished so long ago that the machine has forgotten them.
  package func recall(_ ids: [OrderID]) async throws -> [OrderID: StoredJob] {
    let doubtful = ids.filter { machine.state(of: $0) == nil && forgotten.mayHold($0) }
    guard !doubtful.isEmpty else { return [:] }
    let found = try await store.jobs(doubtful).filter(\.state.isFinal)
    return Dictionary(found.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
  }

  /// Takes an order in. `recalled`: what `recall` said about it.
  package func enqueue(_ command: EnqueueCommand, recalled: StoredJob?) -> Pending<EnqueueResult> {
    together { $0.take(command, recalled: recalled) }
  }

  private func take(_ command: EnqueueCommand, recalled: StoredJob?) -> Pending<EnqueueResult> {
    do { try admit() } catch { return .failure(error) }
    if let recalled {
      return Pending(.success(EnqueueResult(clock: recalled.clock, isDuplicate: true, state: recalled.state)))
    }
    let now = now
    let id = command.job.id
    let step = machine.enqueue(command.job, now: now)
    switch step.answer {
    case .enqueued(let state):
      let store = StoreStep(
        changes: step.changes, at: now.wall, clocks: [id: command.clock], bodies: [id: command.body],
        baskets: command.basket.isEmpty ? [:] : [id: command.basket])
      defer { pump() }
      return submit(store) { receipt in
        EnqueueResult(clock: try receipt.row(id).clock, isDuplicate: false, state: state)
      }
    case .duplicate(let known):
      // Through the store all the same: the first one may still be on its way, and may fail.
      return submit(StoreStep(changes: [], at: now.wall, lookups: [id])) { receipt in
        // Finished, remembered by the machine and forgotten by the store: its clock is gone.
        guard let row = receipt.jobs[id] else {
          return EnqueueResult(clock: command.clock, isDuplicate: true, state: known)
        }
        return EnqueueResult(clock: row.clock, isDuplicate: true, state: row.state)
      }
    case .full(let capacity, let retryAfter):
      return .failure(
        ServiceError(.overloaded, "the queue is full: it holds \(capacity) orders", retryAfter: retryAfter))
    case .draining:
      return .failure(
        ServiceError(
          .overloaded, "the queue is draining and takes no new orders until 'ordersctl queue drain --off'",
          retryAfter: .seconds(10)))
    case .tooManyLanes(let limit):
      return .failure(ServiceError(.invalidArgument, "lane: at most \(limit) lanes; use one that exists"))
    case .invalidPriority:
      return .failure(ServiceError(.invalidArgument, "priority: must be 0 (most urgent) to 9"))
    }
  }

  /// Withdraws an order that nobody is carrying out.
  package func cancel(_ id: OrderID, clock: VectorClock, reason: String) -> Pending<CancelResult> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let step = machine.cancel(id, reason: reason, now: now)
    let store = StoreStep(changes: step.changes, at: now.wall, clocks: [id: clock], lookups: [id])
    let holder = if case .tooLate(_, let holder) = step.answer { holder?.holder ?? "" } else { "" }
    return submit(store) { receipt in
      let row = try receipt.row(id)
      return CancelResult(
        clock: row.clock, isCancelled: row.state == .cancelled, state: row.state, holder: holder)
    }
  }

  /// An operator's burial of an order that waits or is leased, whoever holds it.
  package func bury(_ id: OrderID, reason: String) -> Pending<JobState> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let step = machine.bury(id, reason: reason, now: now)
    return submit(StoreStep(changes: step.changes, at: now.wall, lookups: [id])) { receipt in
      let row = try receipt.row(id)
      if case .buried = step.answer { return row.state }
      throw ServiceError(
        .conflict, "the order is \(row.state.rawValue); only one that is not finished can be buried")
    }
  }

  /// Takes dead letters back into the line: the one, or up to `limit` of them.
  package func kick(_ id: OrderID?, limit: Int) -> Pending<[OrderID]> {
    do { try admit() } catch { return .failure(error) }
    defer { pump() }
    let now = now
    guard let id else {
      let step = machine.kickAll(limit: limit, now: now)
      return submit(StoreStep(changes: step.changes, at: now.wall)) { _ in step.answer }
    }
    let step = machine.kick(id, now: now)
    return submit(StoreStep(changes: step.changes, at: now.wall, lookups: [id])) { receipt in
      let row = try receipt.row(id)
      if case .kicked = step.answer { return [id] }
      throw ServiceError(.conflict, "the order is \(row.state.rawValue); only a dead letter can be kicked")
    }
  }

  /// Refuses leases: for `duration`, or until `resume`. `reason`: for the journal; may be empty.
  package func pause(for duration: Duration?, reason: String) -> Pending<QueueGate> {
    gate(reason: reason) { engine, now in engine.machine.pause(until: duration.map { now.wall + $0 }) }
  }

  package func resume() -> Pending<QueueGate> { gate { engine, _ in engine.machine.resume() } }

  package func setDraining(_ isOn: Bool) -> Pending<QueueGate> {
    gate { engine, _ in engine.machine.setDraining(isOn) }
  }

  private func gate(
    reason: String = "", _ change: (isolated QueueEngine, Now) -> JobQueue.Step<QueueGate>
  ) -> Pending<QueueGate> {
    do { try admit() } catch { return .failure(error) }
    let now = now
    let step = change(self, now)
    defer { pump() }
    return submit(StoreStep(changes: step.changes, at: now.wall)) { [logger] _ in
      var fields: Logger.Metadata = [
        "pause": "\(step.answer.pause)", "draining": "\(step.answer.draining)",
      ]
      if !reason.isEmpty { fields["reason"] = "\(reason)" }
      logger.tell(QueueEvent.gateSet, metadata: fields)
      return step.answer
    }
  }
}

extension StepReceipt {
  /// Throws `not_found`.
  func row(_ id: OrderID) throws -> StoredJob {
    guard let job = jobs[id] else { throw ServiceError(.notFound, "the queue holds no order \(id)") }
    return job
  }
}
