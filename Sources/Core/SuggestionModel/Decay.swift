import CoreTime

/// Forgets exponentially, at no cost for what is not touched: instead of shrinking what is old, what is
/// new weighs more ("forward decay": Cormode, Shkapenyuk, Srivastava, Xu, 2009). Only ratios of weights
/// mean anything.
struct Decay: Sendable, Hashable {
  /// After this time an order counts half. Milliseconds, at least 1.
  let halfLife: Double
  /// An order at this time weighs 1. Nil before the first.
  private(set) var landmark: Timestamp?
  /// The latest time that was learned from.
  private(set) var latest: Timestamp?

  /// Weights stay far from where a sum of them, or a product of two, would overflow a `Double`.
  static let largestExponent = 256.0

  init(halfLife: Duration) {
    self.halfLife = Double(max(1, (Timestamp(milliseconds: 0) + halfLife).milliseconds))
  }

  /// Continues from a snapshot. `halfLife` in milliseconds.
  init(halfLife: Double, landmark: Timestamp?, latest: Timestamp?) {
    self.halfLife = max(1, halfLife)
    self.landmark = landmark
    self.latest = latest
  }

  /// The weight of an order at `time`. When there is a factor, all weights so far must be multiplied by
  /// it first, which happens once in `largestExponent` half-lives at most.
  mutating func advance(to time: Timestamp) -> (weight: Double, factor: Double?) {
    guard let landmark else {
      (self.landmark, latest) = (time, time)
      return (1, nil)
    }
    let exponent = exponent(of: time, since: landmark)
    latest = max(latest ?? time, time)
    guard exponent > Self.largestExponent else { return (powerOfTwo(exponent), nil) }
    self.landmark = time
    return (1, powerOfTwo(-exponent))
  }

  /// What an order at the latest time weighs: the unit in which "how many orders" can be asked.
  var unit: Double {
    guard let landmark, let latest else { return 1 }
    return powerOfTwo(exponent(of: latest, since: landmark))
  }

  private func exponent(of time: Timestamp, since landmark: Timestamp) -> Double {
    (Double(time.milliseconds) - Double(landmark.milliseconds)) / halfLife
  }
}

/// 2 to the power of `exponent`; 0 below what a `Double` can hold, and finite above it. Without a C
/// library, so that it is the same everywhere.
func powerOfTwo(_ exponent: Double) -> Double {
  if exponent < -1_000 { return 0 }
  let bounded = min(exponent, 1_000)
  let whole = bounded.rounded(.down)
  // e^x as its series; x is below ln 2, so that 16 terms reach the last bit.
  let x = (bounded - whole) * 0.693_147_180_559_945_309
  var (sum, term) = (1.0, 1.0)
  for n in 1...16 {
    term *= x / Double(n)
    sum += term
  }
  return Double(sign: .plus, exponent: Int(whole), significand: sum)
}
