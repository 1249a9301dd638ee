import BullyElection
import Testing

@testable import ElectionWire

@Suite struct ElectionCodecTests {
  private static let key = Array(UInt8(0)..<32)
  /// Made with another implementation (Python's struct and hmac), see docs/PROTOCOL.md.
  static let signed =
    "4f524445010300b4ef55eb40fa35ec33cbc68f060fe77f9c00000007046d61696e000000000000000000000000000000"
    + "0000000000000000000000000003000300000000000000001122334455667788000000000000002a0000000000000009"
    + "00000000000000050000000000000009000000000000f03c000000000000000000000004000000000000000500000001"
    + "00000002bbce8ea8d1d96e621c7896535cb9135e3e6cdffec43d4ef595900bf4663f43e1"
  private static let keyless =
    "4f524445010000b4562a744aabb7ce17e81c845a4e94cbce000000000c776172656e686175732dc3a400000000000000"
    + "0000000000000000000000000006ffff0000000203000000ffffffffffffffff00000000000000014000000000000000"
    + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    + "0000000063991b70f1e892ee2f783c7d8a8bea0536e471290027101c04997297833aa510"
  private static let yielded =
    "4f524445010300b4ef55eb40fa35ec33cbc68f060fe77f9c00000007046d61696e000000000000000000000000000000"
    + "000000000000000000000000000600020000000305000000010203040506070800000000000003e80000000000000008"
    + "000000000000000000000000000000080000000000003039000000960000000000000000000000000000000000000019"
    + "000000006e2d624e877b79c61e6bc07d69335ed8d005ff1338442ec654d18fe327c92005"

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private func bytes(_ hex: String) -> [UInt8] {
    stride(from: 0, to: hex.count, by: 2).compactMap { UInt8(hex.dropFirst($0).prefix(2), radix: 16) }
  }

  private func ring(
    _ ids: [UInt32] = [7], signing: UInt32 = 7, policy: KeyPolicy = .enforce
  ) throws -> KeyRing {
    let pairs = ids.map { ($0, $0 == 7 ? Self.key : Array(Self.key.reversed())) }
    let keys = Dictionary(uniqueKeysWithValues: pairs)
    return try KeyRing(keys: keys, signingKeyID: signing, policy: policy)
  }

  private func codec(_ cluster: String = "prod") throws -> ElectionCodec {
    ElectionCodec(cluster: cluster, keys: try ring())
  }

  private func heartbeat(
    sequence: UInt64 = 42, kind: ElectionMessage.Kind = .coordinator
  ) throws -> ElectionMessage {
    ElectionMessage(
      lane: "main", sender: try #require(NodeID(3)), incarnation: 0x1122_3344_5566_7788, sequence: sequence,
      term: 9, epoch: 5, eligible: true, kind: kind,
      record: kind.mayCarryRecord
        ? LeadershipRecord(
          term: 9, ledFor: 61_500, firstEpoch: 4, lastEpoch: 5, refusedClaims: 1, refusedActions: 2) : nil)
  }

  private func yielding() throws -> ElectionMessage {
    let winner: NodeID = try #require(NodeID(3))
    return ElectionMessage(
      lane: "main", sender: try #require(NodeID(2)), incarnation: 0x0102_0304_0506_0708, sequence: 1_000,
      term: 8, eligible: true, kind: .resign(.yielded, successor: winner),
      record: LeadershipRecord(term: 8, ledFor: 12_345, endedAgo: 150, refusedClaims: 25))
  }

  private func resignation() throws -> ElectionMessage {
    let successor: NodeID = try #require(NodeID(2))
    return ElectionMessage(
      lane: "warenhaus-ä", sender: try #require(NodeID(65_535)), incarnation: .max, sequence: 1,
      term: BullyElection.maximumTerm, eligible: false,
      kind: .resign(.handover, successor: successor))
  }

  private func expect(
    _ codec: inout ElectionCodec, _ datagram: [UInt8], _ outcome: Result<ElectionMessage, DropReason>,
    _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let actual = codec.decode(datagram)
    #expect(actual == outcome, comment, sourceLocation: sourceLocation)
  }

  @Test func theFixedVectorsHold() throws {
    var signed = try codec()
    #expect(hex(signed.encode(try heartbeat())) == Self.signed)
    try expect(&signed, bytes(Self.signed), .success(heartbeat()))
    #expect(hex(signed.encode(try yielding())) == Self.yielded)
    try expect(&signed, bytes(Self.yielded), .success(yielding()))
    var keyless = ElectionCodec(cluster: "dev", keys: .keyless)
    #expect(hex(keyless.encode(try resignation())) == Self.keyless)
    try expect(&keyless, bytes(Self.keyless), .success(resignation()))
  }

  @Test func everyKindSurvivesTheWire() throws {
    let two = try #require(NodeID(2))
    var kinds: [ElectionMessage.Kind] = [
      .election, .answer, .coordinator, .handoverRequest, .handoverAccepted, .leaderQuery(two),
      .leaderHeard(two),
    ]
    kinds += ResignReason.allCases.flatMap { [.resign($0, successor: nil), .resign($0, successor: two)] }
    var codec = try codec()
    for (index, kind) in kinds.enumerated() {
      var message = try heartbeat(sequence: UInt64(index + 1), kind: kind)
      message.to = index.isMultiple(of: 2) ? two : nil
      expect(&codec, codec.encode(message), .success(message))
    }
  }

  @Test func everyTruncationAndEveryExtensionIsDropped() throws {
    var codec = try codec()
    let datagram = bytes(Self.signed)
    for length in 0..<datagram.count {
      expect(&codec, Array(datagram.prefix(length)), .failure(.tooShort))
    }
    for extra in [1, 100, 332, 333, 65_000] {
      expect(&codec, datagram + Array(repeating: 0, count: extra), .failure(.tooLong))
    }
  }

  @Test func everyFlippedBitIsDropped() throws {
    var codec = try codec()
    let datagram = bytes(Self.signed)
    var reasons: Set<DropReason> = []
    for bit in 0..<(datagram.count * 8) {
      var damaged = datagram
      damaged[bit / 8] ^= 1 << (bit % 8)
      switch codec.decode(damaged) {
      case .success: Issue.record("bit \(bit) went unnoticed")
      case .failure(let reason): reasons.insert(reason)
      }
    }
    #expect(reasons == [.badMagic, .futureVersion, .foreignCluster, .unknownKey, .badMAC])
    // None of them counted as seen.
    try expect(&codec, datagram, .success(heartbeat()))
  }

  @Test func strangersAreDroppedByReason() throws {
    let datagram = bytes(Self.signed)
    var foreign = try codec("test")
    expect(&foreign, datagram, .failure(.foreignCluster))
    var other = ElectionCodec(cluster: "prod", keys: try ring([8], signing: 8))
    expect(&other, datagram, .failure(.unknownKey))
    let wrong = try KeyRing(keys: [7: Array(repeating: 1, count: 32)], signingKeyID: 7, policy: .enforce)
    var mistaken = ElectionCodec(cluster: "prod", keys: wrong)
    expect(&mistaken, datagram, .failure(.badMAC))
    var demanding = try codec()
    let keyless = ElectionCodec(cluster: "prod", keys: .keyless).encode(try heartbeat())
    expect(&demanding, keyless, .failure(.unsigned))
    var development = ElectionCodec(cluster: "prod", keys: .keyless)
    expect(&development, datagram, .failure(.unknownKey))
  }

  /// Correctly signed, but with a field out of its range.
  @Test func signedNonsenseIsMalformed() throws {
    let keys = try ring()
    let changes: [(Int, [UInt8])] = [
      (4, [0]), (6, [0, 1]), (28, [0]), (28, [33]), (28, [255]), (29, [0xFF]), (40, [1]), (61, [0]),
      (61, [9]),
      (62, [0, 0]), (66, [0, 1]), (68, [1]), (69, [1]), (71, [1]), (80, Array(repeating: 0, count: 8)),
      (88, Array(repeating: 0xFF, count: 8)), (61, [6]), (61, [7]), (61, [8]), (5, [4]), (5, [1]), (61, [1]),
      (104, [0xFF]), (112, [0xFF]), (124, Array(repeating: 0, count: 8)),
      (124, Array(repeating: 9, count: 8)),
    ]
    for (offset, replacement) in changes {
      var datagram = Array(bytes(Self.signed).prefix(ElectionCodec.macOffset))
      datagram.replaceSubrange(offset..<(offset + replacement.count), with: replacement)
      var codec = try codec()
      expect(&codec, datagram + keys.sign(datagram), .failure(.malformed), "at \(offset)")
    }
  }

  @Test func randomBytesNeverPass() throws {
    var codec = try codec()
    for length in 0..<600 {
      var noise = (0..<length).map { _ in UInt8.random(in: 0...255) }
      if length > 40, length.isMultiple(of: 2) {
        noise.replaceSubrange(0..<28, with: bytes(Self.signed).prefix(28))
      }
      if case .success = codec.decode(noise) { Issue.record("\(hex(noise))") }
    }
  }

  @Test func replaysAreDroppedAndLateOnesPassOnce() throws {
    var codec = try codec()
    for sequence: UInt64 in [100, 99, 164, 101] {
      try expect(&codec, codec.encode(heartbeat(sequence: sequence)), .success(heartbeat(sequence: sequence)))
    }
    for sequence: UInt64 in [100, 99, 164, 101, 50, 1] {
      try expect(&codec, codec.encode(heartbeat(sequence: sequence)), .failure(.replay))
    }
  }

  @Test func theReplayGuardIsBounded() throws {
    var guarding = ReplayGuard(capacity: 8)
    let sender = try #require(NodeID(1))
    for incarnation in 1...UInt64(1_000) {
      let first = guarding.admit(sender: sender, incarnation: incarnation, sequence: .max)
      let second = guarding.admit(sender: sender, incarnation: incarnation, sequence: .max)
      #expect(first && !second)
    }
    #expect(guarding.count == 8)
  }

  @Test func aNewKeyComesInWithoutAGap() throws {
    let (old, both) = (try ring([7]), try ring([7, 8]))
    let (new, last) = (try ring([7, 8], signing: 8), try ring([8], signing: 8))
    for (from, to) in [(old, both), (both, old), (both, new), (new, both), (new, last), (last, new)] {
      var receiver = ElectionCodec(cluster: "prod", keys: to)
      let datagram = ElectionCodec(cluster: "prod", keys: from).encode(try heartbeat())
      try expect(&receiver, datagram, .success(heartbeat()))
    }
  }

  /// What each policy makes of each kind of datagram: the table of docs/PROTOCOL.md.
  @Test func policiesTakeWhatTheyShould() throws {
    let heartbeat = try heartbeat()
    func datagram(_ keys: KeyRing) -> [UInt8] { ElectionCodec(cluster: "prod", keys: keys).encode(heartbeat) }
    let unsigned = datagram(.keyless)
    let (known, unknown) = (datagram(try ring()), datagram(try ring([8], signing: 8)))
    var forged = known
    forged[forged.count - 1] ^= 1
    let taken: Result<ElectionMessage, DropReason> = .success(heartbeat)
    let table: [(KeyPolicy, [Result<ElectionMessage, DropReason>])] = [
      (.acceptAny, [taken, taken, taken, .failure(.badMAC)]),
      (.signAndAcceptOld, [taken, taken, .failure(.unknownKey), .failure(.badMAC)]),
      (.enforce, [.failure(.unsigned), taken, .failure(.unknownKey), .failure(.badMAC)]),
    ]
    for (policy, outcomes) in table {
      let keys = try ring(policy: policy)
      #expect(keys.signingKeyID == (policy == .acceptAny ? 0 : 7))
      for (datagram, outcome) in zip([unsigned, known, unknown, forged], outcomes) {
        var codec = ElectionCodec(cluster: "prod", keys: keys)
        expect(&codec, datagram, outcome, "\(policy)")
      }
    }
    #expect(throws: KeyRingError.noSigningKey(id: 7)) {
      try KeyRing(keys: [:], signingKeyID: 7, policy: .enforce)
    }
  }

  /// From no keys to keys: every node hears every other one at every step, whichever of the two it has reached.
  @Test func signingComesInWithoutAGap() throws {
    let nothing = try KeyRing(keys: [:], signingKeyID: 0, policy: .acceptAny)
    let installed = try ring(policy: .acceptAny)
    let (signing, enforcing) = (try ring(policy: .signAndAcceptOld), try ring())
    let pairs: [(KeyRing, KeyRing)] = [
      (.keyless, nothing), (.keyless, installed), (nothing, installed), (installed, signing),
      (nothing, signing), (signing, enforcing),
    ]
    for (one, other) in pairs + pairs.map({ ($1, $0) }) {
      var receiver = ElectionCodec(cluster: "prod", keys: other)
      let datagram = ElectionCodec(cluster: "prod", keys: one).encode(try heartbeat())
      try expect(&receiver, datagram, .success(heartbeat()))
    }
  }

  @Test func credentialsAreRead() throws {
    let ring = try KeyRing(
      credential: "# new one\n7:000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n\n"
        + "3: ffffffffffffffffffffffffffffffff\r\n")
    #expect(ring.signingKeyID == 7)
    #expect(ring.accepts(3) && ring.accepts(7) && !ring.accepts(0))
    #expect(hex(ElectionCodec(cluster: "prod", keys: ring).encode(try heartbeat())) == Self.signed)
    let mistakes: [(String, KeyRingError)] = [
      ("", .empty), ("# nothing\n", .empty), ("7:zz", .malformedLine(1)), ("\n7", .malformedLine(2)),
      ("7:abc", .malformedLine(1)),
      ("7:0011", .keyTooShort(id: 7)), ("0:00112233445566778899aabbccddeeff", .reservedKeyID),
      ("1:00112233445566778899aabbccddeeff\n1:00112233445566778899aabbccddeeff", .duplicateKeyID(1)),
    ]
    for (text, mistake) in mistakes {
      #expect(throws: mistake) { try KeyRing(credential: text) }
    }
  }
}
