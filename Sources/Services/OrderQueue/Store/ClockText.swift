import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A vector clock as it stands in a column: JSON, `{"order-queue":2,"orchestrator":7}`.
///
/// Written and read by hand where names need no escaping, which is always but for a peer's whim: a clock is
/// read or written five times in an order's life, and Foundation's coders took as long as SQLite.
enum ClockText {
  static func encode(_ clock: VectorClock) throws -> String {
    guard clock.entries.allSatisfy({ $0.process.utf8.allSatisfy(isPlain) }) else {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      return String(decoding: try encoder.encode(clock), as: UTF8.self)
    }
    var text = "{"
    for entry in clock.entries {
      if text.utf8.count > 1 { text += "," }
      text += "\""
      text += entry.process
      text += "\":"
      text += String(entry.count)
    }
    text += "}"
    return text
  }

  static func decode(_ text: String) throws -> VectorClock {
    var text = text
    return try text.withUTF8 { try decode(UnsafeRawBufferPointer($0)) }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) throws -> VectorClock {
    if let entries = read(bytes) { return VectorClock(entries) }
    return try JSONDecoder().decode(VectorClock.self, from: Data(bytes))
  }

  /// Printable ASCII that JSON takes as it is.
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): false
    default: (0x20...0x7E).contains(byte)
    }
  }

  /// Nil for anything but what `encode` writes by hand.
  private static func read(_ bytes: UnsafeRawBufferPointer) -> [VectorClock.Entry]? {
    guard bytes.count >= 2, bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else {
      return nil
    }
    var entries: [VectorClock.Entry] = []
    var rest = bytes[1..<(bytes.count - 1)]
    while !rest.isEmpty {
      guard rest.removeFirst() == UInt8(ascii: "\""), let end = rest.firstIndex(of: UInt8(ascii: "\"")),
        rest[..<end].allSatisfy(isPlain)
      else { return nil }
      let name = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      guard rest.popFirst() == UInt8(ascii: ":"), rest.first != UInt8(ascii: ",") else { return nil }
      var count: UInt64 = 0
      var digits = 0
      while let byte = rest.popFirst(), byte != UInt8(ascii: ",") {
        // Nineteen digits always fit.
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 19 else { return nil }
        count = count * 10 + UInt64(byte - UInt8(ascii: "0"))
        digits += 1
      }
      guard digits > 0 else { return nil }
      entries.append(VectorClock.Entry(process: name, count: count))
    }
    return entries
  }
}
