import CoreTime
import OrderDomain
import OrderProtos
import OrderStore
import OrderWire
import PriorityQueue
import SwiftProtobuf
import VectorClock

// To the wire.

extension JobState {
  var message: Ordersd_V1_JobState {
    switch self {
    case .ready: .ready
    case .leased: .leased
    case .delayed: .delayed
    case .buried: .buried
    case .done: .done
    case .cancelled: .cancelled
    case .expired: .expired
    }
  }
}

func milliseconds(_ duration: Duration) -> UInt32 { UInt32(clamping: duration.millisecondsClamped) }

extension ServiceError {
  var callError: Ordersd_V1_CallError {
    .with {
      $0.code = code.rawValue
      $0.message = message
      $0.retryable = isRetryable
    }
  }

  /// Every error of an engine's answer as the one kind that leaves.
  init(answer error: any Error) {
    switch error {
    case let error as ServiceError: self = error
    case let error as FencedError: self = error.fence.error
    case is CancellationError: self.init(.cancelled, "the call was cancelled")
    default: self.init(.internal, "\(error)")
    }
  }
}

extension Fence {
  var message: Ordersd_V1_Fenced {
    .with {
      $0.yourEpoch = yours
      $0.currentEpoch = current
      $0.holder = holderName
    }
  }
}

extension Delivery {
  var message: Ordersd_V1_Delivery {
    .with {
      $0.orderID = id.description
      $0.clock = clock.message
      $0.priority = UInt32(priority)
      $0.body = body
      $0.attempt = UInt32(attempt)
      $0.epoch = epoch
      $0.leaseMs = milliseconds(lease)
    }
  }
}

extension EnqueueResult {
  var message: Ordersd_V1_EnqueueReply {
    .with {
      $0.clock = clock.message
      $0.duplicate = isDuplicate
      $0.state = state.message
    }
  }
}

extension CancelResult {
  var message: Ordersd_V1_CancelReply {
    .with {
      $0.clock = clock.message
      $0.cancelled = isCancelled
      $0.state = state.message
      $0.holder = holder
    }
  }
}

extension StoredJob {
  var message: Ordersd_V1_Job {
    .with {
      $0.orderID = id.description
      $0.lane = lane
      $0.priority = UInt32(priority)
      $0.state = state.message
      $0.attempts = UInt32(clamping: attempts)
      $0.enqueuedAtMs = enqueuedAt.milliseconds
      $0.dueAtMs = readyAt.milliseconds
      if state == .leased || state == .done, let executor { $0.holder = "executor-\(executor)" }
      $0.epoch = epoch
      $0.reason = reason ?? ""
      $0.clock = clock.message
    }
  }

  var peekReply: Ordersd_V1_PeekReply {
    .with {
      $0.job = message
      if let body { $0.body = body }
    }
  }
}

extension StoredOutcome {
  var message: Ordersd_V1_Outcome {
    .with {
      $0.sequence = sequence
      $0.orderID = id.description
      $0.kind = kind.message
      $0.clock = clock.message
      $0.atMs = at.milliseconds
      $0.executor = executor.map { "executor-\($0)" } ?? ""
      $0.epoch = epoch
      $0.attempt = UInt32(clamping: attempt)
      $0.reason = reason ?? ""
      if !basket.isEmpty { $0.basket = Ordersd_V1_Basket(basket) }
    }
  }
}

extension StoredOutcome.Kind {
  var message: Ordersd_V1_Outcome.Kind {
    switch self {
    case .executing: .executing
    case .returned: .returned
    case .executed: .executed
    case .failed: .failed
    case .cancelled: .cancelled
    case .expired: .expired
    case .kicked: .kicked
    }
  }
}

extension WorkAnswer {
  var event: Ordersd_V1_WorkEvent {
    .with { event in
      switch self {
      case .touched(let id, let result):
        event.settled = .with {
          $0.orderID = id.description
          $0.touch = true
          switch result {
          case .success: $0.state = .leased
          case .failure(let error): $0.error = error.callError
          }
        }
      case .settled(let id, let result):
        event.settled = .with {
          $0.orderID = id.description
          switch result {
          case .success(let result):
            $0.clock = result.clock.message
            $0.state = result.state.message
          case .failure(let error): $0.error = error.callError
          }
        }
      case .renewed(let lease): event.renewed = .with { $0.leaseMs = milliseconds(lease) }
      case .fenced(let fence): event.fenced = fence.message
      }
    }
  }
}

extension Spread {
  var message: Ordersd_V1_Histogram {
    .with {
      $0.bounds = bounds
      $0.counts = counts
      $0.sum = sum
    }
  }
}

extension QueueStats {
  /// By the names of the metric.
  private var redeliveries: [String: UInt64] {
    [
      "nack": counters.nacked, "lease_expired": counters.leasesExpired, "leader_changed": counters.takenBack,
      "lost": counters.lost,
    ].mapValues { UInt64(clamping: $0) }
  }

  func message(lanes: [LeadershipRecord], _ figures: QueueFigures) -> Ordersd_V1_StatsReply {
    func count(_ state: JobState) -> UInt64 { UInt64(clamping: byState[state] ?? 0) }
    return .with {
      $0.enqueued = UInt64(clamping: totals.enqueued)
      $0.ready = count(.ready)
      $0.leased = count(.leased)
      $0.delayed = count(.delayed)
      $0.buried = count(.buried)
      $0.done = count(.done)
      $0.cancelled = count(.cancelled)
      $0.expired = count(.expired)
      $0.redelivered = redeliveries.values.reduce(0, +)
      $0.fenced = UInt64(clamping: counters.fenced)
      $0.priorities = (0...9).map { priority in
        .with {
          $0.priority = UInt32(priority)
          $0.ready = UInt64(clamping: byPriority[.ready]?[priority] ?? 0)
          $0.oldestReadyMs = UInt64(clamping: oldestReadyAge[priority]?.millisecondsClamped ?? 0)
        }
      }
      $0.lanes = lanes.map { record in
        .with {
          $0.lane = record.lane
          $0.epoch = record.epoch
          $0.holder = record.vacancy == nil ? record.holder : ""
          $0.term = record.term
          // Every grant is a new epoch.
          $0.claims = record.epoch
        }
      }
      $0.capacity = UInt64(clamping: capacity)
      $0.paused = gate.pause != .none
      $0.draining = gate.draining
      $0.oldestLeaseMs = UInt64(clamping: figures.oldestLease?.millisecondsClamped ?? 0)
      $0.leaseAges = figures.leaseAges.message
      $0.deadLetters = Dictionary(
        uniqueKeysWithValues: Burial.allCases.map {
          ($0.rawValue, UInt64(clamping: counters.burials[$0] ?? 0))
        })
      $0.redeliveries = redeliveries
      $0.starved = UInt64(clamping: counters.starved)
      $0.promoted = UInt64(clamping: counters.promoted)
      $0.batchChanges = figures.commits.changes.message
      $0.commitMs = figures.commits.milliseconds.message
    }
  }
}
