/// Which country a card was issued in, by the leading digits of its number (the issuer identification number of
/// ISO/IEC 7812-1, eight digits of it). A shop gets such a table from its payment provider.
package struct CardRanges: Sendable, Hashable {
  package struct Range: Sendable, Hashable, CustomStringConvertible {
    /// First and last number of eight digits.
    package let first: Int
    package let last: Int
    /// ISO 3166-1 alpha-2.
    package let country: String

    /// `40120000-40159999 EE`
    package var description: String { "\(padded(first))-\(padded(last)) \(country)" }

    private func padded(_ number: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(8 - digits.utf8.count, 0)) + digits
    }
  }

  /// In order, none overlapping another.
  package private(set) var ranges: [Range] = []

  package init() {}

  /// Nil, with the reason, when two of `ranges` overlap.
  package static func make(_ ranges: [Range]) -> Result<CardRanges, Overlap> {
    let sorted = ranges.sorted { ($0.first, $0.last) < ($1.first, $1.last) }
    for (left, right) in zip(sorted, sorted.dropFirst()) where left.last >= right.first {
      return .failure(Overlap(left: left, right: right))
    }
    var table = CardRanges()
    table.ranges = sorted
    return .success(table)
  }

  package struct Overlap: Error, Sendable, Hashable {
    package let left: Range
    package let right: Range
  }

  /// The country of a card, `number` with or without spaces; nil when no range has it.
  package func country(of number: String) -> String? {
    let digits = number.utf8.prefix(64).filter(isASCIIDigit).prefix(8)
    guard digits.count == 8 else { return nil }
    let prefix = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].last < prefix { low = middle + 1 } else { high = middle }
    }
    guard low < ranges.count, ranges[low].first <= prefix else { return nil }
    return ranges[low].country
  }
}

extension CardRanges.Range {
  /// `first`, `last`: one to eight digits, both as many; `4012` to `4015` is 40120000 to 40159999. Nil when they
  /// are not, or stand in the wrong order, or `country` is not two capital letters.
  package init?(first: some StringProtocol, last: some StringProtocol, country: some StringProtocol) {
    guard (1...8).contains(first.utf8.count), first.utf8.count == last.utf8.count,
      first.utf8.allSatisfy(isASCIIDigit), last.utf8.allSatisfy(isASCIIDigit),
      let low = Int(first), let high = Int(last), low <= high, country.utf8.count == 2,
      country.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
    else { return nil }
    let scale = (first.utf8.count..<8).reduce(1) { scale, _ in scale * 10 }
    self.first = low * scale
    self.last = (high + 1) * scale - 1
    self.country = String(country)
  }
}
