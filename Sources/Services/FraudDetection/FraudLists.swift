import DaemonKit
import GRPCSupport

/// Lists of mail addresses and domains: one a line, `#` begins a comment, `@example.org` is the same as
/// `example.org`.
struct FraudLists {
  static let maximumSize = 4 << 20
  static let maximumEntries = 100_000

  private(set) var emails: Set<String> = []
  private(set) var domains: Set<String> = []

  /// Throws `ConfigurationError` with every mistake, each with file and line.
  init(path: String) throws {
    let data = try SettingsFile.read(path, limit: Self.maximumSize)
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ConfigurationError(["\(path): is not UTF-8 text"])
    }
    var problems: [String] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let uncommented = line.prefix { $0 != "#" }
      let words = uncommented.split(whereSeparator: \.isWhitespace)
      guard let word = words.first else { continue }
      guard words.count == 1, add(word.lowercased()) else {
        problems.append("\(path):\(index + 1): must be one mail address or domain, such as example.org")
        continue
      }
      if emails.count + domains.count > Self.maximumEntries {
        problems.append("\(path):\(index + 1): at most \(Self.maximumEntries) entries are taken")
        break
      }
      if problems.count >= 20 { break }
    }
    if !problems.isEmpty { throw ConfigurationError(problems) }
  }

  private mutating func add(_ entry: String) -> Bool {
    let parts = entry.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count <= 2, let domain = parts.last, domain.contains("."), !domain.hasPrefix("."),
      entry.utf8.count <= 320
    else { return false }
    if parts.count == 2, !parts[0].isEmpty {
      emails.insert(entry)
    } else {
      domains.insert(String(domain))
    }
    return true
  }
}
