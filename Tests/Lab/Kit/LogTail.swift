import Foundation

/// One line of a daemon's log in JSON.
struct LogLine: Sendable {
  let at: WallSeconds
  let message: String
  let fields: [String: String]

  /// Nil for what is not a log line, such as a trap's last words.
  init?(_ data: Data) {
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
      let time = object["time"] as? String, let at = Self.seconds(time),
      let message = object["message"] as? String
    else { return nil }
    self.at = at
    self.message = message
    fields = object.mapValues { "\($0)" }
  }

  func number(_ key: String) -> UInt64? { fields[key].flatMap { UInt64($0) } }

  /// Of `2026-11-22T15:45:48.097Z`, or of ip-monitor(8)'s `2026-11-22T15:45:48.097123`, in UTC.
  static func seconds(_ text: String) -> WallSeconds? {
    let parts = text.split(separator: ".", maxSplits: 1)
    guard let whole = parts.first, let date = try? Date(whole.prefix(19) + "Z", strategy: .iso8601) else {
      return nil
    }
    let digits = parts.count > 1 ? parts[1].prefix { $0.isNumber } : ""
    return date.timeIntervalSince1970 + (Double("0.\(digits)") ?? 0)
  }
}

/// What was added to a file since the last look, in whole lines.
struct LineTail {
  private let path: String
  private var offset: UInt64 = 0
  private var rest = Data()

  init(_ path: String) { self.path = path }

  mutating func next() throws -> [Data] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    defer { try? file.close() }
    try file.seek(toOffset: offset)
    let added = try file.readToEnd() ?? Data()
    offset += UInt64(added.count)
    rest.append(added)
    guard let end = rest.lastIndex(of: 0x0a) else { return [] }
    let lines = rest[...end].split(separator: 0x0a).map { Data($0) }
    rest = Data(rest[rest.index(after: end)...])
    return lines
  }
}
