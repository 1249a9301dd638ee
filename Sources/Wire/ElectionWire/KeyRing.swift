import Crypto
import FoundationEssentials

/// What a node sends and takes while an installation goes from unsigned datagrams to signed ones, in three
/// steps, each on all nodes before the next. Setting `election.key-policy`.
package enum KeyPolicy: String, Sendable, Hashable, CaseIterable {
  /// Sends unsigned. Takes unsigned ones, and signed ones: a MAC under a known key must be right, one under
  /// an unknown key is not looked at, since whoever could forge it could as well send unsigned.
  case acceptAny = "accept-any"
  /// Signs. Takes what is signed with a known key, and unsigned ones of those that have yet to change.
  case signAndAcceptOld = "sign-and-accept-old"
  /// Signs. Takes only what is signed with a known key.
  case enforce
}

/// The keys that election datagrams are signed and checked with.
///
/// The way from no keys to keys is `KeyPolicy`. A new key comes in under `enforce`, again in three steps: add
/// it to every node's ring (it is accepted), make it the signing key everywhere, remove the old one.
package struct KeyRing: Sendable {
  /// The key id of unsigned datagrams. No key can have it.
  package static let unsignedKeyID: UInt32 = 0
  /// Keys shorter than this (bytes) are refused.
  package static let minimumKeyLength = 16
  /// More keys than this are refused.
  package static let maximumKeys = 16

  /// Unsigned datagrams carry a MAC under this well-known key: it finds damage, it proves nothing about the
  /// sender.
  private static let developmentKey = SymmetricKey(data: Array("ordersd: no key, development only".utf8))

  /// The key id that outgoing datagrams carry.
  package let signingKeyID: UInt32
  private let keys: [UInt32: SymmetricKey]
  private let takesUnknownKeys: Bool

  /// No keys: for development on loopback and for networks that only trusted hosts can reach. Whoever can
  /// send to the port can disturb the election; fencing still keeps two leaders from both acting.
  package static let keyless = KeyRing()

  private init() {
    signingKeyID = Self.unsignedKeyID
    keys = [Self.unsignedKeyID: Self.developmentKey]
    takesUnknownKeys = false
  }

  /// `keys` by their ids (1 and up), at least 16 bytes each; `signingKeyID` is one of them. None at all only
  /// with `acceptAny`, where `signingKeyID` does not count.
  package init(
    keys: [UInt32: [UInt8]], signingKeyID: UInt32, policy: KeyPolicy
  ) throws(KeyRingError) {
    guard keys.count <= Self.maximumKeys else { throw .tooManyKeys }
    for (id, key) in keys.sorted(by: { $0.key < $1.key }) {
      guard id != Self.unsignedKeyID else { throw .reservedKeyID }
      guard key.count >= Self.minimumKeyLength else { throw .keyTooShort(id: id) }
    }
    guard keys[signingKeyID] != nil || (policy == .acceptAny && keys.isEmpty) else {
      throw .noSigningKey(id: signingKeyID)
    }
    var ring = keys.mapValues { SymmetricKey(data: $0) }
    if policy != .enforce { ring[Self.unsignedKeyID] = Self.developmentKey }
    self.keys = ring
    self.signingKeyID = policy == .acceptAny ? Self.unsignedKeyID : signingKeyID
    takesUnknownKeys = policy == .acceptAny
  }

  /// Reads a credential: one key on each line, `<id>:<key in hex>`, the first one signs; empty lines and
  /// lines that start with `#` don't count.
  package init(credential: String, policy: KeyPolicy = .enforce) throws(KeyRingError) {
    var keys: [UInt32: [UInt8]] = [:]
    var first: UInt32?
    var number = 0
    for line in credential.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let text = line.filter { !$0.isWhitespace }
      if text.isEmpty || text.hasPrefix("#") { continue }
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2, let id = UInt32(parts[0]), let key = bytes(fromHex: parts[1]) else {
        throw .malformedLine(number)
      }
      guard keys[id] == nil else { throw .duplicateKeyID(id) }
      guard keys.count < Self.maximumKeys else { throw .tooManyKeys }
      keys[id] = key
      first = first ?? id
    }
    guard let first else { throw .empty }
    try self.init(keys: keys, signingKeyID: first, policy: policy)
  }

  /// Whether datagrams of this key id can be checked.
  package func accepts(_ keyID: UInt32) -> Bool { keys[keyID] != nil }

  /// The signature under the signing key.
  func sign(_ bytes: some DataProtocol) -> [UInt8] {
    // The initialisers made sure that the signing key is there.
    guard let key = keys[signingKeyID] else { preconditionFailure("a key ring without its signing key") }
    return Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key))
  }

  /// Why a datagram with this signature is not to be taken; `nil` when it is. In constant time for any MAC.
  func objection(to mac: some ContiguousBytes, of bytes: some DataProtocol, keyID: UInt32) -> DropReason? {
    guard let key = keys[keyID] else {
      if takesUnknownKeys { return nil }
      return keyID == Self.unsignedKeyID ? .unsigned : .unknownKey
    }
    return HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: bytes, using: key) ? nil : .badMAC
  }
}

/// What can be wrong with keys. None of the cases carries key material.
package enum KeyRingError: Error, Sendable, Hashable, CustomStringConvertible {
  case empty
  case malformedLine(Int)
  case duplicateKeyID(UInt32)
  case reservedKeyID
  case keyTooShort(id: UInt32)
  case noSigningKey(id: UInt32)
  case tooManyKeys

  package var description: String {
    switch self {
    case .empty: "the election key holds no key; expected lines of the form <id>:<key in hex>"
    case .malformedLine(let line): "line \(line) of the election key is not of the form <id>:<key in hex>"
    case .duplicateKeyID(let id): "key id \(id) occurs twice"
    case .reservedKeyID: "key id 0 is reserved for datagrams without a key; use 1 or higher"
    case .keyTooShort(let id): "key \(id) is shorter than \(KeyRing.minimumKeyLength) bytes"
    case .noSigningKey(let id): "there is no key \(id) to sign with"
    case .tooManyKeys: "more than \(KeyRing.maximumKeys) keys"
    }
  }
}

private func bytes(fromHex text: Substring) -> [UInt8]? {
  let digits = Array(text.utf8)
  guard digits.count.isMultiple(of: 2), digits.count <= 1_024 else { return nil }
  var bytes: [UInt8] = []
  for index in stride(from: 0, to: digits.count, by: 2) {
    guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}

private func nibble(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}
