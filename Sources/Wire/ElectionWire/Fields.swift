import BullyElection

/// A kind of message as the three fields that stand for it in a datagram.
struct WireKind {
  var code: UInt8
  var subject: UInt16 = 0
  var reason: UInt8 = 0

  init(code: UInt8, subject: UInt16, reason: UInt8) {
    self.code = code
    self.subject = subject
    self.reason = reason
  }

  init(_ kind: ElectionMessage.Kind) {
    switch kind {
    case .election: self.init(code: 1, subject: 0, reason: 0)
    case .answer: self.init(code: 2, subject: 0, reason: 0)
    case .coordinator: self.init(code: 3, subject: 0, reason: 0)
    case .handoverRequest: self.init(code: 4, subject: 0, reason: 0)
    case .handoverAccepted: self.init(code: 5, subject: 0, reason: 0)
    case .resign(let reason, let successor):
      self.init(code: 6, subject: successor?.rawValue ?? 0, reason: reason.rawValue)
    case .leaderQuery(let leader): self.init(code: 7, subject: leader.rawValue, reason: 0)
    case .leaderHeard(let leader): self.init(code: 8, subject: leader.rawValue, reason: 0)
    }
  }

  /// `nil` when the three don't belong together.
  var kind: ElectionMessage.Kind? {
    switch (code, subject, reason) {
    case (1, 0, 0): .election
    case (2, 0, 0): .answer
    case (3, 0, 0): .coordinator
    case (4, 0, 0): .handoverRequest
    case (5, 0, 0): .handoverAccepted
    case (6, _, _): ResignReason(rawValue: reason).map { .resign($0, successor: NodeID(subject)) }
    case (7, _, 0): NodeID(subject).map { .leaderQuery($0) }
    case (8, _, 0): NodeID(subject).map { .leaderHeard($0) }
    default: nil
    }
  }
}

/// Appends big-endian fields.
struct FieldWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func put(_ field: [UInt8]) { bytes.append(contentsOf: field) }

  mutating func put<Field: FixedWidthInteger & UnsignedInteger>(_ field: Field) {
    for shift in stride(from: Field.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: field >> Field(shift)))
    }
  }
}

/// Takes big-endian fields from a datagram whose length was checked before.
struct FieldReader {
  private let bytes: [UInt8]
  private var offset: Int

  init(_ bytes: [UInt8], at offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  mutating func take<Field: FixedWidthInteger & UnsignedInteger>() -> Field {
    let end = offset + Field.bitWidth / 8
    defer { offset = end }
    return bytes[offset..<end].reduce(0) { $0 << (Field.bitWidth > 8 ? 8 : 0) | Field($1) }
  }
}

extension FieldWriter {
  mutating func put(_ record: LeadershipRecord) {
    put(record.term)
    put(record.ledFor)
    put(record.endedAgo)
    put(record.firstEpoch)
    put(record.lastEpoch)
    put(record.refusedClaims)
    put(record.refusedActions)
  }
}

extension FieldReader {
  /// `nil` when a figure is out of its range.
  mutating func takeRecord() -> LeadershipRecord? {
    var record = LeadershipRecord(term: take())
    record.ledFor = take()
    record.endedAgo = take()
    record.firstEpoch = take()
    record.lastEpoch = take()
    record.refusedClaims = take()
    record.refusedActions = take()
    guard record.term <= BullyElection.maximumTerm, record.ledFor <= LeadershipRecord.longest,
      record.firstEpoch <= record.lastEpoch, (record.firstEpoch == 0) == (record.lastEpoch == 0)
    else { return nil }
    return record
  }
}

extension ElectionMessage.Kind {
  /// Only what a leader says about its own leadership has figures of it.
  var mayCarryRecord: Bool {
    switch self {
    case .coordinator, .resign: true
    case .election, .answer, .handoverRequest, .handoverAccepted, .leaderQuery, .leaderHeard: false
    }
  }
}
