import CoreTime
import OrderDomain
import OrderProtos
import OrderWire
import PriorityQueue
import VectorClock

// From the wire: shape and limits. Every refusal says what would be right.

private func invalid(_ message: String) -> ServiceError { ServiceError(.invalidArgument, message) }

/// Empty = `main`.
func laneName(_ text: String) throws -> String {
  if text.isEmpty { return "main" }
  let isPlain = text.utf8.allSatisfy { byte in
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || byte == UInt8(ascii: "-")
  }
  guard text.utf8.count <= QueueLimit.lane, isPlain else {
    throw invalid(
      "lane: must be at most \(QueueLimit.lane) bytes of a-z, 0-9 and '-', not '\(text.prefix(64))'")
  }
  return text
}

func shortText(_ text: String, _ field: String) throws -> String {
  guard text.utf8.count <= QueueLimit.reason else {
    throw invalid("\(field): must be at most \(QueueLimit.reason) bytes, not \(text.utf8.count)")
  }
  return text
}

/// 0 = `fallback`.
func leaseLength(_ milliseconds: UInt32, default fallback: Duration) throws -> Duration {
  if milliseconds == 0 { return fallback }
  let most = UInt32(OrderQueueConfiguration.maximumLease.millisecondsClamped)
  guard (100...most).contains(milliseconds) else {
    throw invalid("lease_ms: must be 100 to \(most), or 0 for the queue's default, not \(milliseconds)")
  }
  return .milliseconds(Int64(milliseconds))
}

/// 0 = `fallback`.
func bounded(_ value: UInt32, default fallback: Int, upTo most: Int, _ field: String) throws -> Int {
  if value == 0 { return fallback }
  guard value <= most else {
    throw invalid("\(field): must be 1 to \(most), or 0 for \(fallback), not \(value)")
  }
  return Int(value)
}

func executorID(_ value: UInt32) throws -> Int {
  guard (1...65_535).contains(value) else { throw invalid("executor_id: must be 1 to 65535, not \(value)") }
  return Int(value)
}

extension LeaderFence {
  init(_ message: Ordersd_V1_Fence) throws {
    guard message.epoch > 0 else {
      throw invalid("fence.epoch: must be the epoch that Claim granted, at least 1")
    }
    self.init(lane: try laneName(message.lane), epoch: message.epoch)
  }
}

extension VectorClock {
  /// That of an order which comes in.
  init(entering message: Ordersd_V1_VectorClock) throws {
    try self.init(message, components: QueueLimit.enteringClockComponents, count: QueueLimit.clockCount)
  }

  /// That of a leader's word on an order. One beyond the limits counts as none: the order is done, or not, whatever
  /// its clock has become, and refused it would be sent again.
  init(leader message: Ordersd_V1_VectorClock) {
    self = (try? VectorClock(message, count: QueueLimit.clockCount)) ?? VectorClock()
  }
}

extension EnqueueCommand {
  init(_ request: Ordersd_V1_EnqueueRequest) throws {
    let id = try OrderID(wire: request.orderID)
    guard request.priority <= 9 else {
      throw invalid("priority: must be 0 (most urgent) to 9, not \(request.priority)")
    }
    guard request.body.count <= QueueLimit.body else {
      throw ServiceError(
        .bodyTooLarge, "body: must be at most \(QueueLimit.body) bytes, not \(request.body.count)")
    }
    func time(_ milliseconds: Int64, _ field: String) throws -> Timestamp? {
      guard milliseconds >= 0, milliseconds < 1 << 53 else {
        throw invalid("\(field): must be Unix time in milliseconds, or 0, not \(milliseconds)")
      }
      return milliseconds == 0 ? nil : Timestamp(milliseconds: milliseconds)
    }
    let job = JobQueue.NewJob(
      id: id, lane: try laneName(request.lane), priority: Int(request.priority),
      notBefore: try time(request.notBeforeMs, "not_before_ms"),
      expiresAt: try time(request.expiresAtMs, "expires_at_ms"))
    self.init(
      job: job, clock: try VectorClock(entering: request.clock), body: request.body,
      basket: request.hasBasket ? try request.basket.checked() : [])
  }
}

extension QueueEngine.Return {
  init(_ request: Ordersd_V1_NackRequest) throws {
    if request.permanent, request.returned {
      throw invalid("permanent and returned: an order is either given up or handed back untouched, not both")
    }
    if request.permanent {
      self = .never
    } else if request.returned {
      self = .untouched
    } else {
      let delay = Duration.milliseconds(Int64(request.delayMs))
      guard delay <= QueueLimit.nackDelay else {
        let most = QueueLimit.nackDelay.millisecondsClamped
        throw invalid(
          "delay_ms: must be at most \(most), or 0 for the queue's own backoff, not \(request.delayMs)")
      }
      self = .later(delay == .zero ? nil : delay)
    }
  }
}

extension JobState {
  /// Nil = any.
  static func filter(_ state: Ordersd_V1_JobState) throws -> JobState? {
    switch state {
    case .unspecified: nil
    case .ready: .ready
    case .leased: .leased
    case .delayed: .delayed
    case .buried: .buried
    case .done: .done
    case .cancelled: .cancelled
    case .expired: .expired
    case .UNRECOGNIZED(let number):
      throw invalid("state: \(number) is not known to this version; leave it out for all states")
    }
  }
}
