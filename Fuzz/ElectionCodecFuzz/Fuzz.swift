// A libFuzzer target over everything that looks at a datagram before and after its signature: the layout, the replay
// guard and the machine. Built by tools/fuzz as one module with the sources of CoreTime, BullyElection and the parts
// of ElectionWire that know no Crypto. The signature itself is left out: a fuzzer cannot guess one.

private let cluster = [UInt8](repeating: 0xC1, count: ElectionLayout.clusterLength)

/// What is checked of a datagram that decodes.
private struct Target {
  var replays = ReplayGuard(capacity: 64)
  var machine: BullyElection
  var now = Instant.zero
  var steps = 0

  init() {
    guard let id = NodeID(3) else { preconditionFailure("3 is an id") }
    machine = BullyElection(id: id, incarnation: 1, configuration: BullyConfiguration(), seed: 1, eligible: true)
    _ = machine.step(.started, now: now)
  }

  mutating func take(_ datagram: [UInt8]) {
    guard case .success(let envelope) = ElectionLayout.open(datagram, cluster: cluster),
      let message = ElectionLayout.message(in: datagram)
    else { return }
    // What decodes encodes to the same bytes: no two datagrams mean the same, and nothing is ignored.
    let again = ElectionLayout.encode(message, cluster: cluster, keyID: envelope.keyID)
    precondition(again.elementsEqual(datagram[..<ElectionLayout.macOffset]), "not the same bytes")
    guard replays.admit(sender: message.sender, incarnation: message.incarnation, sequence: message.sequence)
    else { return }
    precondition(
      !replays.admit(sender: message.sender, incarnation: message.incarnation, sequence: message.sequence),
      "taken twice")
    precondition(replays.count <= 64, "the replay guard grows")
    drive(message)
  }

  private mutating func drive(_ message: ElectionMessage) {
    var message = message
    message.lane = "main"
    now = now + .milliseconds(Int64(message.sequence % 400))
    for input: BullyElection.Input in [.message(message), .timerFired] {
      for effect in machine.step(input, now: now) {
        guard case .send(let sent) = effect else { continue }
        // The machine says nothing that its peers would drop.
        let bytes = ElectionLayout.encode(sent, cluster: cluster, keyID: 0) + [UInt8](repeating: 0, count: 32)
        precondition(ElectionLayout.message(in: bytes) == sent, "sends what does not decode")
      }
    }
    steps += 1
    // A fresh life now and then, so that a crash depends on few inputs.
    if steps == 1_000 { self = Target() }
  }
}

nonisolated(unsafe) private var target = Target()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  // As a datagram that came in, and as one with the right frame: from the flags on, then from the lane on.
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  target.take(bytes)
  if bytes.count >= 120 {
    var framed = ElectionLayout.magic + [ElectionLayout.version, bytes[0]]
    framed += [UInt8(ElectionLayout.length >> 8), UInt8(ElectionLayout.length & 0xFF)] + cluster
    framed += bytes.dropFirst(1)
    framed += [UInt8](repeating: 0, count: max(0, ElectionLayout.length - framed.count))
    target.take([UInt8](framed.prefix(ElectionLayout.length)))
  }
  return 0
}
