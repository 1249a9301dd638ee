import BullyElection
import Randomness

/// All randomness of a run, from its seed.
struct Dice {
  typealias Source = SplitMix64
  private var generator: SplitMix64

  /// For machines that take a generator.
  var source: Source {
    get { generator }
    set { generator = newValue }
  }

  init(seed: UInt64) { generator = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ 1) }

  mutating func next() -> UInt64 { generator.next() }

  /// 0 ..< bound, which is at least 1.
  mutating func below(_ bound: Int) -> Int { Int(generator.next() % UInt64(max(1, bound))) }

  mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
    low >= high ? low : low + Int64(generator.next() % UInt64(high - low + 1))
  }

  mutating func chance(perMille: Int) -> Bool { perMille > 0 && below(1_000) < perMille }

  mutating func milliseconds(_ low: Int64, _ high: Int64) -> Int64 {
    between(low * 1_000_000, high * 1_000_000)
  }
}
