/// Finds a member that an object of a JSON text has twice. RFC 8259 §4 leaves open which of the two counts,
/// and parsers differ: whoever sends such a thing, or looks at it on the way, may mean another order than the
/// one that is read here.
///
/// The text must be JSON already; one pass over its bytes, which takes a small part of what decoding takes.
enum DuplicateMember {
  /// JSON pointer of the first such member; nil when there is none.
  static func find(in text: UnsafeBufferPointer<UInt8>) -> String? {
    var scan = Scan(text: text)
    return scan.run()
  }
}

/// An object or array that is open.
private struct Container {
  let isObject: Bool
  /// Where the members' names stand, without their quotes.
  var names: [Range<Int>] = []
  /// Of an array.
  var index = 0
}

private struct Scan {
  let text: UnsafeBufferPointer<UInt8>
  var position = 0
  var open: [Container] = []
  /// The next string of the innermost object is a name.
  var isName = false

  init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

  mutating func run() -> String? {
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: "{"): begin(isObject: true)
      case UInt8(ascii: "["): begin(isObject: false)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if let twice = duplicate() { return pointer(to: twice) }
        _ = open.popLast()
        isName = false
      case UInt8(ascii: ","):
        guard let last = open.indices.last else { break }
        isName = open[last].isObject
        open[last].index += 1
      case UInt8(ascii: "\""):
        let string = string()
        if isName, let last = open.indices.last {
          open[last].names.append(string)
          isName = false
        }
      default: break
      }
      position += 1
    }
    return nil
  }

  private mutating func begin(isObject: Bool) {
    open.append(Container(isObject: isObject))
    isName = isObject
  }

  /// Goes to the closing quote of the string that begins here.
  private mutating func string() -> Range<Int> {
    let start = position + 1
    position = start
    while position < text.count, text[position] != UInt8(ascii: "\"") {
      position += text[position] == UInt8(ascii: "\\") ? 2 : 1
    }
    return start..<min(position, text.count)
  }

  /// Of the innermost container.
  private func duplicate() -> Range<Int>? {
    guard let names = open.last?.names, names.count > 1 else { return nil }
    // Few names: each with each is cheapest. Many: a peer must not choose how long it takes.
    if names.count <= 16, !names.contains(where: isEscaped) {
      return names.indices.first { index in names[..<index].contains { isSame($0, names[index]) } }
        .map { names[$0] }
    }
    var seen: Set<[UInt8]> = []
    return names.first { !seen.insert(plain($0)).inserted }
  }

  private func isSame(_ one: Range<Int>, _ other: Range<Int>) -> Bool {
    one.count == other.count && zip(one, other).allSatisfy { text[$0] == text[$1] }
  }

  private func isEscaped(_ name: Range<Int>) -> Bool { name.contains { text[$0] == UInt8(ascii: "\\") } }

  /// A name without escapes (RFC 8259 §7). Surrogates are taken one by one, which keeps what differs apart.
  private func plain(_ name: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = []
    var index = name.lowerBound
    while index < name.upperBound {
      guard text[index] == UInt8(ascii: "\\"), index + 1 < name.upperBound else {
        bytes.append(text[index])
        index += 1
        continue
      }
      let escape = text[index + 1]
      index += 2
      switch escape {
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "u"):
        let digits = text[index..<min(index + 4, name.upperBound)]
        let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0xFFFD
        // A surrogate has no scalar; its code stands for it.
        if let scalar = Unicode.Scalar(value) {
          bytes.append(contentsOf: UTF8.encode(scalar) ?? .init())
        } else {
          bytes.append(contentsOf: [0xFF, UInt8(value >> 8), UInt8(value & 0xFF)])
        }
        index += 4
      default: bytes.append(escape)
      }
    }
    return bytes
  }

  private func pointer(to name: Range<Int>) -> String {
    let path = open.dropLast().map { container in
      container.isObject ? container.names.last.map(shown) ?? "" : String(container.index)
    }
    return (path + [shown(name)]).map { "/" + $0 }.joined()
  }

  private func shown(_ name: Range<Int>) -> String {
    String(String(decoding: plain(name), as: UTF8.self).prefix(64)).replacing("~", with: "~0")
      .replacing("/", with: "~1")
  }
}
