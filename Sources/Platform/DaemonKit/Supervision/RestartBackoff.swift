/// How long to wait before a process that died is started again: doubling from 100 ms (or another first delay) to 5 s,
/// and from the beginning once it has been healthy for 10 s.
package struct RestartBackoff: Sendable {
  package static let first: Duration = .milliseconds(100)
  package static let longest: Duration = .seconds(5)
  /// A run that was ready for this long counts as healthy.
  package static let healthyAfter: Duration = .seconds(10)

  private let initial: Duration
  private let longest: Duration
  private var next: Duration

  package init(first: Duration = RestartBackoff.first, longest: Duration = RestartBackoff.longest) {
    initial = first
    self.longest = longest
    next = first
  }

  /// The delay before the next start. `readyFor`: how long the run that just ended had been ready; zero = never.
  package mutating func delay(readyFor: Duration) -> Duration {
    if readyFor >= Self.healthyAfter { next = initial }
    defer { next = max(initial, min(next * 2, longest)) }
    return next
  }
}
