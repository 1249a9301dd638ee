import DaemonKit
import FraudRules
import GRPCSupport

/// Which country issues the cards that begin with certain digits. A line is `4012 EE` or `401200-401599 EE`;
/// `#` begins a comment.
enum CardRangesFile {
  static let maximumSize = 16 << 20
  static let maximumRanges = 200_000

  /// Throws `ConfigurationError` with the mistakes, at most 20, each with file and line.
  static func read(_ path: String) throws -> CardRanges {
    let data = try SettingsFile.read(path, limit: maximumSize)
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ConfigurationError(["\(path): is not UTF-8 text"])
    }
    var problems: [String] = []
    var ranges: [CardRanges.Range] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      if words.isEmpty { continue }
      guard words.count == 2, let range = range(words[0], country: words[1]) else {
        problems.append(
          "\(path):\(index + 1): must be one to eight leading digits, or two such with a hyphen, and a country "
            + "code, such as 401200-401599 EE")
        if problems.count >= 20 { break }
        continue
      }
      ranges.append(range)
      if ranges.count > maximumRanges {
        problems.append("\(path):\(index + 1): at most \(maximumRanges) ranges are taken")
        break
      }
    }
    if !problems.isEmpty { throw ConfigurationError(problems) }
    switch CardRanges.make(ranges) {
    case .success(let table): return table
    case .failure(let overlap):
      throw ConfigurationError([
        "\(path): \(overlap.left) and \(overlap.right) overlap; a card must be of one country"
      ])
    }
  }

  private static func range(_ digits: Substring, country: Substring) -> CardRanges.Range? {
    let ends = digits.split(separator: "-", omittingEmptySubsequences: false)
    guard let first = ends.first, let last = ends.last, ends.count <= 2 else { return nil }
    return CardRanges.Range(first: first, last: last, country: country)
  }
}
