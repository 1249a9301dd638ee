import Randomness

/// Which of two ids should lead. The only place that knows.
extension BullyElection {
  /// How high an id stands in one lane.
  package struct Rank: Sendable, Hashable, Comparable {
    /// 0 in lane `main`.
    package let score: UInt64
    package let id: NodeID

    package static func < (left: Rank, right: Rank) -> Bool {
      (left.score, left.id) < (right.score, right.id)
    }
  }

  /// In lane `main` the id itself ranks, as everybody expects of Bully. In every other lane it is a hash of
  /// lane and id, so that the lanes' leaders spread over the executors and a lane keeps its leader when an
  /// executor comes that does not rank highest in it (rendezvous hashing: D. Thaler, C. Ravishankar, "Using
  /// name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998).
  package static func rank(_ id: NodeID, lane: String) -> Rank {
    guard lane != "main" else { return Rank(score: 0, id: id) }
    // FNV-1a over the lane, then the mix of SplitMix64 over that and the id.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in lane.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    var mixer = SplitMix64(seed: hash ^ (UInt64(id.rawValue) &* 0xD6E8_FEB8_6659_FD93))
    return Rank(score: mixer.next(), id: id)
  }

  /// Whether `one` should lead rather than `other`.
  func outranks(_ one: NodeID, _ other: NodeID) -> Bool {
    Self.rank(one, lane: configuration.lane) > Self.rank(other, lane: configuration.lane)
  }
}
