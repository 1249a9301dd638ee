package import BullyElection
import Crypto
import FoundationEssentials

/// Election messages as datagrams of a fixed layout (`ElectionLayout`), signed with HMAC-SHA256 (RFC 2104).
package struct ElectionCodec: Sendable {
  /// No datagram of any version is longer (bytes).
  package static let maximumLength = ElectionLayout.maximumLength
  /// Length of a datagram of this version (bytes).
  package static let length = ElectionLayout.length
  package static let version = ElectionLayout.version
  /// Longest lane (bytes of UTF-8).
  package static let maximumLaneLength = ElectionLayout.maximumLaneLength

  static let macOffset = ElectionLayout.macOffset

  private let cluster: [UInt8]
  private let keys: KeyRing
  private var replays: ReplayGuard

  /// `cluster` is the name that all nodes of one installation share. At most `replayCapacity` incarnations of
  /// peers are remembered against replays.
  package init(cluster: String, keys: KeyRing, replayCapacity: Int = 1_024) {
    self.cluster = Self.fingerprint(ofCluster: cluster)
    self.keys = keys
    replays = ReplayGuard(capacity: replayCapacity)
  }

  /// What stands for the cluster's name in a datagram.
  package static func fingerprint(ofCluster name: String) -> [UInt8] {
    Array(SHA256.hash(data: Array("ordersd cluster \(name)".utf8)).prefix(ElectionLayout.clusterLength))
  }

  /// The datagram for `message`, whose lane must be 1 … 32 bytes (`BullyConfiguration.problems` sees to
  /// that).
  package func encode(_ message: ElectionMessage) -> [UInt8] {
    let signed = ElectionLayout.encode(message, cluster: cluster, keyID: keys.signingKeyID)
    return signed + keys.sign(signed)
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
    switch ElectionLayout.open(datagram, cluster: cluster) {
    case .failure(let reason): return .failure(reason)
    case .success(let envelope):
      let signed = datagram[..<ElectionLayout.macOffset]
      let mac = Array(datagram[ElectionLayout.macOffset...])
      if let reason = keys.objection(to: mac, of: signed, keyID: envelope.keyID) { return .failure(reason) }
    }
    guard let message = ElectionLayout.message(in: datagram) else { return .failure(.malformed) }
    return .success(message)
  }
}
