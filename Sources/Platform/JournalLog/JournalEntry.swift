/// An entry of the journal as assignments `FIELD=value`, bounded in all directions.
package struct JournalEntry: Sendable {
  /// Bytes of one value; what is longer is cut off, with `…` at its end.
  package static let longestValue = 8_192
  /// Bytes of all assignments: one datagram to the journal, without the way round through a file.
  package static let longestEntry = 49_152
  package static let mostFields = 64

  /// All assignments, one after another.
  package private(set) var bytes: [UInt8] = []
  /// Where each of them ends in `bytes`.
  package private(set) var ends: [Int] = []
  /// How many fields were too many.
  package private(set) var omitted = 0

  package init() { bytes.reserveCapacity(1_024) }

  package mutating func add(_ name: String, _ value: String) {
    let start = bytes.count
    guard ends.count < Self.mostFields, start + name.utf8.count + 1 < Self.longestEntry else {
      omitted += 1
      return
    }
    bytes.append(contentsOf: name.utf8)
    bytes.append(UInt8(ascii: "="))
    let room = min(Self.longestValue, Self.longestEntry - bytes.count)
    if value.utf8.count <= room {
      bytes.append(contentsOf: value.utf8)
    } else {
      bytes.append(contentsOf: Self.cut(value, room))
    }
    ends.append(bytes.count)
  }

  /// `value` in at most `room` bytes, whole characters of Unicode.
  private static func cut(_ value: String, _ room: Int) -> [UInt8] {
    let mark = Array("…".utf8)
    guard room > mark.count else { return [] }
    var kept = Array(value.utf8.prefix(room - mark.count + 1))
    while let last = kept.popLast(), last & 0xC0 == 0x80 {}
    return kept + mark
  }

  /// The value of the first field of this name.
  package subscript(name: String) -> String? {
    let wanted = Array("\(name)=".utf8)
    return assignments.first { $0.starts(with: wanted) }.map {
      String(decoding: $0.dropFirst(wanted.count), as: UTF8.self)
    }
  }

  /// As text, to be read by people and tests.
  package var fields: [String] { assignments.map { String(decoding: $0, as: UTF8.self) } }

  private var assignments: [ArraySlice<UInt8>] {
    ends.indices.map { bytes[($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0]] }
  }
}
