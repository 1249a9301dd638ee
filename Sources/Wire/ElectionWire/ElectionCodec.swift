package import BullyElection
import Crypto
import FoundationEssentials

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

/// Election messages as datagrams of a fixed layout, signed with HMAC-SHA256. Numbers are big-endian.
///
/// | Offset | Bytes | Field |
/// |---|---|---|
/// | 0 | 4 | magic `ORDE` |
/// | 4 | 1 | version, 1 |
/// | 5 | 1 | flags: bit 0 the sender is eligible; the others 0 |
/// | 6 | 2 | length of the datagram, 136 |
/// | 8 | 16 | cluster: the first half of SHA-256 of `ordersd cluster ` and the cluster's name |
/// | 24 | 4 | key id, 0 for none |
/// | 28 | 1 | length of the lane, 1 … 32 |
/// | 29 | 32 | lane, UTF-8, padded with 0 |
/// | 61 | 1 | kind, see below |
/// | 62 | 2 | sender, 1 … 65535 |
/// | 64 | 2 | the one addressed, 0 for all |
/// | 66 | 2 | subject: successor (kind 6, may be 0), leader (kinds 7 and 8), else 0 |
/// | 68 | 1 | reason: kind 6 `ResignReason`, else 0 |
/// | 69 | 3 | 0 |
/// | 72 | 8 | incarnation |
/// | 80 | 8 | sequence, from 1 |
/// | 88 | 8 | term, up to 2⁶² |
/// | 96 | 8 | epoch, 0 for none |
/// | 104 | 32 | HMAC-SHA256 of everything before |
///
/// Kinds: 1 election, 2 answer, 3 coordinator, 4 handover request, 5 handover accepted, 6 resign, 7 leader
/// query, 8 leader heard.
package struct ElectionCodec: Sendable {
  /// No datagram of any version is longer (bytes).
  package static let maximumLength = 512
  /// Length of a datagram of this version (bytes).
  package static let length = 136
  package static let version: UInt8 = 1
  /// Longest lane (bytes of UTF-8).
  package static let maximumLaneLength = 32

  static let magic: [UInt8] = Array("ORDE".utf8)
  static let macOffset = 104

  private let cluster: [UInt8]
  private let keys: KeyRing
  private var replays: ReplayGuard

  /// `cluster` is the name that all nodes of one installation share. At most `replayCapacity` incarnations of
  /// peers are remembered against replays.
  package init(cluster: String, keys: KeyRing, replayCapacity: Int = 1_024) {
    self.cluster = Array(SHA256.hash(data: Array("ordersd cluster \(cluster)".utf8)).prefix(16))
    self.keys = keys
    replays = ReplayGuard(capacity: replayCapacity)
  }

  /// The datagram for `message`, whose lane must be 1 … 32 bytes (`BullyConfiguration.problems` sees to
  /// that).
  package func encode(_ message: ElectionMessage) -> [UInt8] {
    let lane = Array(message.lane.utf8)
    precondition((1...Self.maximumLaneLength).contains(lane.count), "the lane does not fit")
    var writer = FieldWriter(capacity: Self.length)
    writer.put(Self.magic)
    writer.put(Self.version)
    writer.put(UInt8(message.eligible ? 1 : 0))
    writer.put(UInt16(Self.length))
    writer.put(cluster)
    writer.put(keys.signingKeyID)
    writer.put(UInt8(lane.count))
    writer.put(lane)
    writer.put(Array(repeating: 0, count: Self.maximumLaneLength - lane.count))
    let kind = WireKind(message.kind)
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
    writer.put(keys.sign(writer.bytes))
    return writer.bytes
  }

  /// The message in a datagram, or why it is to be dropped. Takes any bytes whatever; a message passes once.
  package mutating func decode(_ datagram: [UInt8]) -> Result<ElectionMessage, DropReason> {
    let message: ElectionMessage
    switch check(datagram) {
    case .success(let checked): message = checked
    case .failure(let reason): return .failure(reason)
    }
    // Only after the signature: nobody without the key can make a genuine datagram look like a replay.
    let new = replays.admit(
      sender: message.sender, incarnation: message.incarnation, sequence: message.sequence)
    return new ? .success(message) : .failure(.replay)
  }

  private func check(_ datagram: [UInt8]) -> Result<ElectionMessage, DropReason> {
    guard datagram.count <= Self.maximumLength else { return .failure(.tooLong) }
    guard datagram.count >= Self.length else { return .failure(.tooShort) }
    guard datagram.starts(with: Self.magic) else { return .failure(.badMagic) }
    guard datagram[4] <= Self.version else { return .failure(.futureVersion) }
    guard datagram.count == Self.length else { return .failure(.tooLong) }
    guard datagram[8..<24].elementsEqual(cluster) else { return .failure(.foreignCluster) }
    var reader = FieldReader(datagram, at: 24)
    let keyID: UInt32 = reader.take()
    guard keys.accepts(keyID) else {
      return .failure(keyID == KeyRing.unsignedKeyID ? .unsigned : .unknownKey)
    }
    let mac = Array(datagram[Self.macOffset...])
    guard keys.isValid(mac, of: datagram[..<Self.macOffset], keyID: keyID) else { return .failure(.badMAC) }
    guard let message = fields(datagram) else { return .failure(.malformed) }
    return .success(message)
  }

  /// `nil` when a field is out of its range.
  private func fields(_ datagram: [UInt8]) -> ElectionMessage? {
    var reader = FieldReader(datagram, at: 4)
    let version: UInt8 = reader.take()
    let flags: UInt8 = reader.take()
    let length: UInt16 = reader.take()
    guard version == Self.version, flags <= 1, Int(length) == Self.length else { return nil }
    let laneLength = Int(datagram[28])
    guard (1...Self.maximumLaneLength).contains(laneLength) else { return nil }
    guard datagram[(29 + laneLength)..<61].allSatisfy({ $0 == 0 }) else { return nil }
    guard let lane = String(validating: datagram[29..<(29 + laneLength)], as: UTF8.self) else { return nil }
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
    return ElectionMessage(
      lane: lane, sender: senderID, incarnation: incarnation, sequence: sequence, term: term, epoch: epoch,
      eligible: flags == 1, to: NodeID(to), kind: kind)
  }
}
