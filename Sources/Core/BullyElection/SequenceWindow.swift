/// Which sequence numbers of one sender have been taken: late is fine, as datagrams overtake each other, twice or
/// very late is not. A sliding window of 64, as in RFC 4303 §3.4.3.
package struct SequenceWindow: Sendable, Hashable {
  /// The highest one taken.
  package private(set) var highest: UInt64
  /// Which of the 64 up to `highest` (bit 0) were taken.
  private var seen: UInt64 = 1

  /// `first` is taken.
  package init(first: UInt64) { highest = first }

  /// Whether `sequence` is new. Takes it.
  package mutating func admit(_ sequence: UInt64) -> Bool {
    if sequence > highest {
      let ahead = sequence - highest
      seen = ahead < 64 ? (seen << ahead) | 1 : 1
      highest = sequence
      return true
    }
    let behind = highest - sequence
    guard behind < 64, seen & (1 << behind) == 0 else { return false }
    seen |= 1 << behind
    return true
  }
}
