/// Cuts a byte stream into lines, whatever pieces it arrives in.
package struct LineAssembler: Sendable {
  /// Bytes of one line; a longer one is cut into several.
  package static let longestLine = 64 * 1_024

  private var pending: [UInt8] = []

  package init() {}

  /// The lines that `bytes` completed, without their line breaks.
  package mutating func append<Bytes: Collection<UInt8>>(_ bytes: Bytes) -> [String] {
    var lines: [String] = []
    var rest = bytes[...]
    while let byte = rest.first {
      if byte == UInt8(ascii: "\n") {
        rest.removeFirst()
        lines.append(take())
        continue
      }
      let room = rest.prefix(Self.longestLine - pending.count)
      let end = room.firstIndex(of: UInt8(ascii: "\n")) ?? room.endIndex
      pending += rest[..<end]
      rest = rest[end...]
      if pending.count == Self.longestLine { lines.append(take()) }
    }
    return lines
  }

  /// What is left when the stream ends; nil when it ended with a line break.
  package mutating func finish() -> String? { pending.isEmpty ? nil : take() }

  private mutating func take() -> String {
    defer { pending.removeAll(keepingCapacity: true) }
    return String(decoding: pending, as: UTF8.self)
  }
}
