/// Cuts a byte stream into lines, whatever pieces it arrives in.
package struct LineAssembler: Sendable {
  /// Bytes of one line; a longer one is cut into several.
  package static let longestLine = 64 * 1_024

  private var pending: [UInt8] = []

  package init() {}

  /// The lines that `bytes` completed, without their line breaks.
  package mutating func append(_ bytes: RawSpan) -> [String] {
    // Not as a generic collection: every line of every child comes through here.
    bytes.withUnsafeBytes { bytes in
      var lines: [String] = []
      var start = 0
      while start < bytes.count {
        let room = min(bytes.count - start, Self.longestLine - pending.count)
        let end = bytes[start..<start + room].firstIndex(of: UInt8(ascii: "\n"))
        pending += bytes[start..<(end ?? start + room)]
        start = end.map { $0 + 1 } ?? start + room
        if end != nil || pending.count == Self.longestLine { lines.append(take()) }
      }
      return lines
    }
  }

  /// What is left when the stream ends; nil when it ended with a line break.
  package mutating func finish() -> String? { pending.isEmpty ? nil : take() }

  private mutating func take() -> String {
    defer { pending.removeAll(keepingCapacity: true) }
    return String(decoding: pending, as: UTF8.self)
  }
}
