/// Writes JSON (RFC 8259) member by member, for what is written several times for each order. Whoever uses it must
/// write what `JSONText` would write of the same value, in the same order; tests compare the two.
package struct JSONWriter: Sendable {
  package private(set) var bytes: [UInt8] = []
  /// The next value or member follows another one.
  private var isFollowing = false

  package init() { bytes.reserveCapacity(1_024) }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// An object whose members `members` writes.
  package mutating func object(_ members: (inout JSONWriter) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "{"))
    isFollowing = false
    members(&self)
    bytes.append(UInt8(ascii: "}"))
    isFollowing = true
  }

  package mutating func array<Elements: Sequence>(
    _ elements: Elements, _ element: (inout JSONWriter, Elements.Element) -> Void
  ) {
    separate()
    bytes.append(UInt8(ascii: "["))
    isFollowing = false
    for value in elements { element(&self, value) }
    bytes.append(UInt8(ascii: "]"))
    isFollowing = true
  }

  /// The name of a member; its value comes next.
  package mutating func key(_ name: String) {
    separate()
    JSONString.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    isFollowing = false
  }

  package mutating func value(_ text: String) {
    separate()
    JSONString.append(text, to: &bytes)
    isFollowing = true
  }

  package mutating func value(_ isTrue: Bool) { raw(isTrue ? "true" : "false") }
  package mutating func value(_ number: some FixedWidthInteger) { raw(String(number)) }

  package mutating func member(_ name: String, _ text: String) {
    key(name)
    value(text)
  }

  package mutating func member(_ name: String, _ number: some FixedWidthInteger) {
    key(name)
    value(number)
  }

  package mutating func member(_ name: String, _ isTrue: Bool) {
    key(name)
    value(isTrue)
  }

  private mutating func raw(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    isFollowing = true
  }

  private mutating func separate() {
    if isFollowing { bytes.append(UInt8(ascii: ",")) }
  }
}

/// A string as JSON has it (RFC 8259 §7), without escaping what need not be.
enum JSONString {
  static func append(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      var start = utf8.startIndex
      for index in utf8.indices where utf8[index] < 0x20 || utf8[index] == 0x22 || utf8[index] == 0x5C {
        bytes.append(contentsOf: utf8[start..<index])
        escape(utf8[index], to: &bytes)
        start = index + 1
      }
      bytes.append(contentsOf: utf8[start...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func escape(_ byte: UInt8, to bytes: inout [UInt8]) {
    let escaped =
      switch byte {
      case 0x22: "\\\""
      case 0x5C: "\\\\"
      case 0x0A: "\\n"
      case 0x0D: "\\r"
      case 0x09: "\\t"
      default: "\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    bytes.append(contentsOf: escaped.utf8)
  }
}
