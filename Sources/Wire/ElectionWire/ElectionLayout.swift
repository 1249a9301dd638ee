package import BullyElection

/// Why a datagram was dropped. A metric counts each.
package enum DropReason: String, Error, Sendable, Hashable, CaseIterable {
  case tooShort = "too-short"
  case tooLong = "too-long"
  case badMagic = "bad-magic"
  /// From a newer release; the datagram is not looked at further.
  case futureVersion = "future-version"
  case foreignCluster = "foreign-cluster"
  /// Without a key, where keys are demanded.
  case unsigned
  case unknownKey = "unknown-key"
  case badMAC = "bad-mac"
  /// Correctly signed nonsense: a field out of its range.
  case malformed
  case replay
}

/// The layout of a datagram, apart from its signature: pure functions of bytes. docs/PROTOCOL.md shows it byte
/// by byte; its table is checked against these constants. Numbers are big-endian.
package enum ElectionLayout {
  /// No datagram of any version is longer (bytes).
  package static let maximumLength = 512
  /// Length of a datagram of this version (bytes).
  package static let length = 180
  package static let version: UInt8 = 1
  /// Longest lane (bytes of UTF-8).
  package static let maximumLaneLength = 32
  package static let magic: [UInt8] = Array("ORDE".utf8)
  /// Bytes of the cluster's fingerprint and of the signature.
  package static let clusterLength = 16
  package static let macLength = 32

  /// Where a field begins and how many bytes it has.
  package struct Field: Sendable, Hashable {
    package let name: String
    package let offset: Int
    package let length: Int
  }

  /// Every byte of a datagram belongs to exactly one of these, in this order.
  package static let fields: [Field] = {
    var offset = 0
    return [
      ("magic", 4), ("version", 1), ("flags", 1), ("length", 2), ("cluster", clusterLength), ("key id", 4),
      ("lane length", 1), ("lane", maximumLaneLength), ("kind", 1), ("sender", 2), ("addressed", 2),
      ("subject", 2), ("reason", 1), ("reserved", 3), ("incarnation", 8), ("sequence", 8), ("term", 8),
      ("epoch", 8), ("record: term", 8), ("record: led for", 8), ("record: ended ago", 4),
      ("record: first epoch", 8), ("record: last epoch", 8), ("record: refused claims", 4),
      ("record: refused actions", 4), ("MAC", macLength),
    ].map { name, length in
      defer { offset += length }
      return Field(name: name, offset: offset, length: length)
    }
  }()

  /// Where the signature begins; everything before it is signed.
  package static let macOffset = length - macLength

  private static let eligibleFlag: UInt8 = 1
  private static let recordFlag: UInt8 = 2

  /// What is known before the signature is checked.
  package struct Envelope: Sendable, Hashable {
    package let keyID: UInt32
  }

  /// The bytes before the signature. The lane of `message` must be 1 … 32 bytes.
  package static func encode(_ message: ElectionMessage, cluster: [UInt8], keyID: UInt32) -> [UInt8] {
    let lane = Array(message.lane.utf8)
    precondition((1...maximumLaneLength).contains(lane.count), "the lane does not fit")
    precondition(cluster.count == clusterLength, "the cluster's fingerprint has another length")
    let kind = WireKind(message.kind)
    var flags: UInt8 = message.eligible ? eligibleFlag : 0
    if message.record != nil { flags |= recordFlag }
    var writer = FieldWriter(capacity: length)
    writer.put(magic)
    writer.put(version)
    writer.put(flags)
    writer.put(UInt16(length))
    writer.put(cluster)
    writer.put(keyID)
    writer.put(UInt8(lane.count))
    writer.put(lane)
    writer.put(Array(repeating: 0, count: maximumLaneLength - lane.count))
    writer.put(kind.code)
    writer.put(message.sender.rawValue)
    writer.put(message.to?.rawValue ?? 0)
    writer.put(kind.subject)
    writer.put(kind.reason)
    writer.put([0, 0, 0])
    writer.put(message.incarnation)
    writer.put(message.sequence)
    writer.put(message.term)
    writer.put(message.epoch)
    writer.put(message.record ?? LeadershipRecord(term: 0))
    return writer.bytes
  }

  /// The checks that need no key. Takes any bytes whatever.
  package static func open(_ datagram: [UInt8], cluster: [UInt8]) -> Result<Envelope, DropReason> {
    guard datagram.count <= maximumLength else { return .failure(.tooLong) }
    // First what tells another program's datagram, or another release's, from a damaged one of ours.
    guard datagram.count > magic.count else { return .failure(.tooShort) }
    guard datagram.starts(with: magic) else { return .failure(.badMagic) }
    guard datagram[4] <= version else { return .failure(.futureVersion) }
    guard datagram.count >= length else { return .failure(.tooShort) }
    guard datagram.count == length else { return .failure(.tooLong) }
    guard datagram[8..<24].elementsEqual(cluster) else { return .failure(.foreignCluster) }
    var reader = FieldReader(datagram, at: 24)
    return .success(Envelope(keyID: reader.take()))
  }

  /// The message in a datagram that `open` let pass; `nil` when a field is out of its range.
  package static func message(in datagram: [UInt8]) -> ElectionMessage? {
    guard datagram.count == length else { return nil }
    var reader = FieldReader(datagram, at: 4)
    let version: UInt8 = reader.take()
    let flags: UInt8 = reader.take()
    let announced: UInt16 = reader.take()
    guard version == Self.version, flags <= eligibleFlag | recordFlag, Int(announced) == length else {
      return nil
    }
    guard let lane = lane(in: datagram) else { return nil }
    reader = FieldReader(datagram, at: 61)
    let code: UInt8 = reader.take()
    let sender: UInt16 = reader.take()
    let to: UInt16 = reader.take()
    let subject: UInt16 = reader.take()
    let reason: UInt8 = reader.take()
    guard datagram[69..<72].allSatisfy({ $0 == 0 }) else { return nil }
    reader = FieldReader(datagram, at: 72)
    let incarnation: UInt64 = reader.take()
    let sequence: UInt64 = reader.take()
    let term: UInt64 = reader.take()
    let epoch: UInt64 = reader.take()
    guard
      let senderID = NodeID(sender), sequence > 0, term <= BullyElection.maximumTerm,
      let kind = WireKind(code: code, subject: subject, reason: reason).kind
    else { return nil }
    var record: LeadershipRecord?
    if flags & recordFlag != 0 {
      guard kind.mayCarryRecord, let carried = reader.takeRecord() else { return nil }
      record = carried
    } else {
      guard datagram[104..<macOffset].allSatisfy({ $0 == 0 }) else { return nil }
    }
    return ElectionMessage(
      lane: lane, sender: senderID, incarnation: incarnation, sequence: sequence, term: term, epoch: epoch,
      eligible: flags & eligibleFlag != 0, to: NodeID(to), kind: kind, record: record)
  }

  private static func lane(in datagram: [UInt8]) -> String? {
    let length = Int(datagram[28])
    guard (1...maximumLaneLength).contains(length) else { return nil }
    guard datagram[(29 + length)..<61].allSatisfy({ $0 == 0 }) else { return nil }
    return String(validating: datagram[29..<(29 + length)], as: UTF8.self)
  }
}
