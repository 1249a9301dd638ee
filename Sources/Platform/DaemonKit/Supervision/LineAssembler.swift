/// Cuts a byte stream into lines, whatever pieces it arrives in.
package struct LineAssembler: Sendable {
  /// Bytes of one line; a longer one is cut into several.
  package static let longestLine = 64 * 1_024

  private var pending: [UInt8] = []

  package init() {}

  /// The lines that `bytes` completed, without their line breaks.
  package mutating func append(_ bytes: some Sequence<UInt8>) -> [String] {
    var lines: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") {
        lines.append(take())
      } else {
        pending.append(byte)
        if pending.count >= Self.longestLine { lines.append(take()) }
      }
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
