// A libFuzzer target over everything that looks at a datagram: the layout, the key ring under each policy, the replay
// guard, and the machine behind them with what its shell tells it besides. And over the parser of key credentials.
// Built by tools/fuzz as one module with the production sources; only the checksum stands in for HMAC (Fuzz/Crypto).

private let cluster = ElectionCodec.fingerprint(ofCluster: "fuzz")

/// One node under one policy.
private struct Target {
  private let policy: KeyPolicy
  /// The same keys as in `codec`, to sign what the fuzzer made up.
  private let ring: KeyRing
  private var codec: ElectionCodec
  private var machine: BullyElection
  private var now = Instant.zero
  private var steps = 0

  init(_ policy: KeyPolicy) {
    let keys: [UInt32: [UInt8]] = [7: Array(0..<32), 9: Array(32..<48)]
    guard let id = NodeID(3), let ring = try? KeyRing(keys: keys, signingKeyID: 7, policy: policy) else {
      preconditionFailure("3 is an id, and the keys are long enough")
    }
    self.policy = policy
    self.ring = ring
    codec = ElectionCodec(cluster: "fuzz", keys: ring, replayCapacity: 64)
    machine = BullyElection(id: id, incarnation: 1, configuration: BullyConfiguration(), seed: 1, eligible: true)
    _ = machine.step(.started, now: now)
  }

  mutating func take(_ datagram: [UInt8], with shell: [UInt8]) {
    guard case .success(let message) = codec.decode(datagram) else { return }
    check(message, datagram)
    drive(message, shell)
    // A fresh life now and then, so that a crash depends on few inputs.
    steps += 1
    if steps == 1_000 { self = Target(policy) }
  }

  /// The signature that `take` will find right, under the key that the datagram names when it is the signing one.
  func signature(of bytes: [UInt8]) -> [UInt8] { ring.sign(bytes) }

  private mutating func check(_ message: ElectionMessage, _ datagram: [UInt8]) {
    guard case .success(let envelope) = ElectionLayout.open(datagram, cluster: cluster) else {
      preconditionFailure("what decodes has a layout")
    }
    // What decodes encodes to the same bytes: no two datagrams mean the same, and nothing is ignored.
    let again = ElectionLayout.encode(message, cluster: cluster, keyID: envelope.keyID)
    precondition(again.elementsEqual(datagram[..<ElectionLayout.macOffset]), "not the same bytes")
    // Nothing passes that the policy forbids, by this other way to say it.
    let isUnsigned = envelope.keyID == KeyRing.unsignedKeyID
    precondition(!isUnsigned || policy != .enforce, "took an unsigned one")
    precondition(policy == .acceptAny || ring.accepts(envelope.keyID), "took one of an unknown key")
    precondition(codec.decode(datagram) == .failure(.replay), "taken twice")
  }

  private mutating func drive(_ message: ElectionMessage, _ shell: [UInt8]) {
    var message = message
    message.lane = "main"
    now = now + .milliseconds(Int64(message.sequence % 400))
    step(.message(message))
    for byte in shell {
      now = now + .milliseconds(Int64(byte >> 4) * 20)
      step(Self.input(byte & 0x0F, message))
    }
    step(.timerFired)
  }

  private mutating func step(_ input: BullyElection.Input) {
    for effect in machine.step(input, now: now) {
      guard case .send(let sent) = effect else { continue }
      // The machine says nothing that its peers would drop.
      precondition(ElectionLayout.message(in: codec.encode(sent)) == sent, "sends what does not decode")
    }
  }

  /// What the queue, the probe and the operator may say, at any moment.
  private static func input(_ code: UInt8, _ message: ElectionMessage) -> BullyElection.Input {
    switch code {
    case 0: .becameEligible
    case 1: .becameIneligible(.queueUnreachable)
    case 2: .becameIneligible(.fulfilmentFailing)
    case 3: .epochGranted(message.epoch)
    case 4: .epochGranted(message.term &+ 1)
    case 5: .epochLost
    case 6: .claimDenied(holder: nil)
    case 7: .claimDenied(holder: message.sender)
    case 8: .handoverFinished
    case 9: .actionsRefused(UInt32(truncatingIfNeeded: message.sequence))
    case 10: .freeze(for: .milliseconds(Int64(message.term % 10_000)))
    case 11: .thaw
    // One in sixteen would end most lives at once.
    case 13 where message.sequence % 16 == 0: .stopRequested
    default: .timerFired
    }
  }
}

nonisolated(unsafe) private var targets = KeyPolicy.allCases.map { Target($0) }

/// A credential that parses gives a ring that takes what it signs, and the other way round refuses damage.
private func parse(_ text: String) {
  for policy in KeyPolicy.allCases {
    guard let ring = try? KeyRing(credential: text, policy: policy) else { continue }
    precondition(ring.accepts(ring.signingKeyID), "cannot check what it signs")
    var mac = ring.sign([1, 2, 3])
    precondition(ring.objection(to: mac, of: [1, 2, 3] as [UInt8], keyID: ring.signingKeyID) == nil, "refuses its own")
    mac[0] ^= 1
    precondition(ring.objection(to: mac, of: [1, 2, 3] as [UInt8], keyID: ring.signingKeyID) == .badMAC, "takes damage")
  }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  // The first byte chooses: a credential, or how many bytes of the shell come before the datagram.
  if first == UInt8(ascii: "k") {
    parse(String(decoding: bytes.dropFirst(), as: UTF8.self))
    return 0
  }
  let shell = Array(bytes.dropFirst().prefix(Int(first & 0x07)))
  let datagram = Array(bytes.dropFirst(1 + shell.count))
  for index in targets.indices {
    targets[index].take(datagram, with: shell)
    // As one with the right frame and signature: from the flags on, then from the key id on.
    guard datagram.count >= 90 else { continue }
    var framed = ElectionLayout.magic + [ElectionLayout.version, datagram[0]]
    framed += [UInt8(ElectionLayout.length >> 8), UInt8(ElectionLayout.length & 0xFF)] + cluster
    framed += datagram.dropFirst(1)
    framed += [UInt8](repeating: 0, count: max(0, ElectionLayout.macOffset - framed.count))
    framed = Array(framed.prefix(ElectionLayout.macOffset))
    targets[index].take(framed + targets[index].signature(of: framed), with: shell)
  }
  return 0
}
