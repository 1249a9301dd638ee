package import CoreTime

/// Keeps retries a small share of the calls, so that they cannot bury a peer that is in trouble already: each call pays
/// in a part of a retry, a trickle comes with time, each retry takes a whole one (Finagle's RetryBudget; gRPC A6).
package struct RetryBudget: Sendable, Hashable {
  /// Parts of a retry that a call pays in: 20 %.
  private static let share: Int64 = 200
  private static let whole: Int64 = 1_000

  /// Retries that come with each second without calls.
  private let perSecond: Int64
  /// In parts; never more than ten seconds' trickle and a hundred retries.
  private let limit: Int64
  private var balance: Int64
  private var filledAt: Instant?

  /// `perSecond`: 1 … 1,000.
  package init(perSecond: Int = 10) {
    precondition((1...1_000).contains(perSecond), "1 to 1,000 retries each second")
    self.perSecond = Int64(perSecond)
    limit = (Int64(perSecond) * 10 + 100) * Self.whole
    balance = Int64(perSecond) * 10 * Self.whole
  }

  /// Whole retries that can be taken now.
  package var available: Int { Int(balance / Self.whole) }

  /// A call goes out for the first time.
  package mutating func deposit() { balance = min(balance + Self.share, limit) }

  /// Takes one retry. False when there is none.
  package mutating func withdraw(now: Instant) -> Bool {
    fill(now: now)
    guard balance >= Self.whole else { return false }
    balance -= Self.whole
    return true
  }

  private mutating func fill(now: Instant) {
    guard let last = filledAt else {
      filledAt = now
      return
    }
    let elapsed = min(max((now - last).millisecondsClamped, 0), 60_000)
    guard elapsed > 0 else { return }
    // A thousandth of a second brings `perSecond` thousandths of a retry.
    balance = min(balance + elapsed * perSecond, limit)
    filledAt = now
  }
}
