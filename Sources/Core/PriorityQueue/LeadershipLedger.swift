package import CoreTime

/// Why a lane has no leader although it had one.
package enum Vacancy: String, Sendable, Hashable, Codable { case streamClosed, leaseExpired, resigned }

/// Who holds, or last held, the current epoch of a lane. The durable part: one row for each lane.
package struct LeadershipRecord: Sendable, Hashable {
  package var lane: String
  package var epoch: Epoch
  package var executor: Int
  /// Random per process start of the executor.
  package var incarnation: UInt64
  /// The election's term, for people; it decides nothing here.
  package var term: UInt64
  /// Nil while it is held.
  package var vacancy: Vacancy?

  package init(
    lane: String, epoch: Epoch, executor: Int, incarnation: UInt64, term: UInt64, vacancy: Vacancy? = nil
  ) {
    self.lane = lane
    self.epoch = epoch
    self.executor = executor
    self.incarnation = incarnation
    self.term = term
    self.vacancy = vacancy
  }
}

/// What an executor says when it claims a lane.
package struct LeadershipClaim: Sendable, Hashable {
  package var lane: String
  package var executor: Int
  package var incarnation: UInt64
  package var term: UInt64
  /// The stream it came on, numbered by the shell and never reused while the process runs; the end of that
  /// stream ends the leadership at once. Nil for a unary call: then only the leadership lease tells that the
  /// holder is gone.
  package var stream: UInt64?

  package init(lane: String, executor: Int, incarnation: UInt64, term: UInt64, stream: UInt64? = nil) {
    self.lane = lane
    self.executor = executor
    self.incarnation = incarnation
    self.term = term
    self.stream = stream
  }
}

/// The judge of who leads each lane (DESIGN §4, "Claim" and "Fence").
///
/// A claim is granted, under the next epoch, when the lane has no live holder, when the claimer's id is
/// higher than the holder's, or when the holder's executor comes back with a new incarnation. The executor
/// and incarnation that hold the current epoch get the same one back, whether the holder is live or has
/// lapsed, unless it resigned: nobody else had a right meanwhile, and a broken connection or a restart of the
/// queue then costs no order its lease.
package struct LeadershipLedger: Sendable {
  private struct Seat: Sendable {
    var record: LeadershipRecord
    var deadline: Instant
    var stream: UInt64?

    func isLive(at now: Instant) -> Bool { record.vacancy == nil && now < deadline }
  }

  private let lease: Duration
  private let maxLanes: Int
  private var seats: [String: Seat] = [:]

  /// A restored holder is live for one full leadership lease, so that it can come back.
  package init(lease: Duration, maxLanes: Int, restoring records: [LeadershipRecord] = [], now: Instant) {
    self.lease = lease
    self.maxLanes = maxLanes
    for record in records where record.epoch > seats[record.lane]?.record.epoch ?? 0 {
      seats[record.lane] = Seat(record: record, deadline: now + lease)
    }
  }

  package enum Decision: Sendable, Hashable {
    case granted(LeadershipRecord, deadline: Instant)
    case resumed(LeadershipRecord, deadline: Instant)
    case heldBy(LeadershipRecord)
    case tooManyLanes(limit: Int)
  }

  package mutating func claim(_ claim: LeadershipClaim, now: Instant) -> Decision {
    let seat = seats[claim.lane]
    if seat == nil, seats.count >= maxLanes { return .tooManyLanes(limit: maxLanes) }
    var record = LeadershipRecord(
      lane: claim.lane, epoch: seat?.record.epoch ?? 0, executor: claim.executor,
      incarnation: claim.incarnation, term: claim.term)
    let deadline = now + lease
    if let seat {
      let isHolder =
        seat.record.executor == claim.executor && seat.record.incarnation == claim.incarnation
        && seat.record.vacancy != .resigned
      if isHolder {
        seats[claim.lane] = Seat(record: record, deadline: deadline, stream: claim.stream)
        return .resumed(record, deadline: deadline)
      }
      // An equal id is a restart, or, while the holder's stream is open, a second process with one id.
      let isSecond = claim.executor == seat.record.executor && seat.stream != nil
      if seat.isLive(at: now), claim.executor < seat.record.executor || isSecond {
        return .heldBy(seat.record)
      }
    }
    record.epoch += 1
    seats[claim.lane] = Seat(record: record, deadline: deadline, stream: claim.stream)
    return .granted(record, deadline: deadline)
  }

  /// Extends the leadership from `now`. A holder that let it run out must claim again.
  package mutating func renew(_ leader: LeaderToken, now: Instant) -> RenewAnswer {
    if let fence = fence(leader, mustBeLive: true, now: now) { return .fenced(fence) }
    let deadline = now + lease
    seats[leader.lane]?.deadline = deadline
    return .renewed(deadline: deadline)
  }

  /// Ends the leadership by the holder's will. Repeating it does no harm.
  package mutating func resign(_ leader: LeaderToken, now: Instant) -> ResignAnswer {
    if let fence = fence(leader, mustBeLive: false, now: now) { return .fenced(fence) }
    seats[leader.lane]?.record.vacancy = .resigned
    return .resigned
  }

  /// The stream of a holder ended. Reports of streams that the holder has replaced are ignored.
  package mutating func streamClosed(lane: String, epoch: Epoch, stream: UInt64) -> StreamClosedAnswer {
    guard let seat = seats[lane], seat.record.epoch == epoch, seat.stream == stream,
      seat.record.vacancy == nil
    else { return .ignored }
    seats[lane]?.record.vacancy = .streamClosed
    return .vacated
  }

  /// Vacates the lanes whose leadership ran out, and returns their records.
  package mutating func expire(now: Instant) -> [LeadershipRecord] {
    var expired: [LeadershipRecord] = []
    for (lane, seat) in seats.sorted(by: { $0.key < $1.key }) where seat.record.vacancy == nil {
      if seat.isLive(at: now) { continue }
      seats[lane]?.record.vacancy = .leaseExpired
      expired.append(seats[lane]?.record ?? seat.record)
    }
    return expired
  }

  /// Leaderships that are held last longer by the time in which nobody could renew them.
  package mutating func stoodStill(for pause: Duration) {
    for (lane, seat) in seats where seat.record.vacancy == nil {
      seats[lane]?.deadline = seat.deadline + pause
    }
  }

  /// Nil when `leader` has the current epoch of its lane (and, for `mustBeLive`, has not lapsed).
  package func fence(_ leader: LeaderToken, mustBeLive: Bool, now: Instant) -> Fence? {
    guard let seat = seats[leader.lane] else { return Fence(yours: leader.epoch, current: 0, holder: nil) }
    let isLive = seat.isLive(at: now)
    if seat.record.epoch == leader.epoch, seat.record.executor == leader.executor, isLive || !mustBeLive {
      return nil
    }
    return Fence(yours: leader.epoch, current: seat.record.epoch, holder: isLive ? seat.record : nil)
  }

  /// By name of lane.
  package var records: [LeadershipRecord] { seats.values.map(\.record).sorted { $0.lane < $1.lane } }

  package func record(lane: String) -> LeadershipRecord? { seats[lane]?.record }

  package func hasLane(_ lane: String) -> Bool { seats[lane] != nil }

  package var nextDeadline: Instant? {
    seats.values.filter { $0.record.vacancy == nil }.map(\.deadline).min()
  }
}
